/**
 * The global `mill` of a program. Have the editor know it:
 *
 *     /// <reference types="@mill/core/program" />
 */

/** Who the agent is, what it is to do, and which model does it: these four are needed. */
interface MillSpawnOptions {
  readonly agent: string
  readonly systemPrompt: string
  readonly prompt: string
  readonly model: string
  /** Goes on with an earlier conversation: the `sessionRef` of its last answer, from the same driver. */
  readonly sessionRef?: string
}

/** Tokens and money as the agent reported them. A field that is absent is unknown, which is not zero. */
interface MillUsage {
  readonly inputTokens: number
  readonly outputTokens: number
  readonly cacheReadTokens?: number
  readonly cacheWriteTokens?: number
  readonly costUsd?: number
}

/** The answer of an agent. `sessionRef` is what goes on with its conversation, in a spawn or in the agent's own tool. */
interface MillSpawnResult {
  readonly text: string
  readonly sessionRef: string
  readonly agent: string
  readonly model: string
  readonly driver: string
  readonly exitCode: number
  readonly stopReason?: string
  readonly usage?: MillUsage
  readonly durationMs: number
}

/** What the promise of a failed spawn is rejected with. */
interface MillSpawnError extends Error {
  readonly name: "MillSpawnError"
  /** Why: for example `agent-error`, `exit`, `signal`, `not-found`, `cancelled`, `invalid-input`. */
  readonly cause: string
  readonly spawnId?: string
  /** What is known of it all the same; `stderr` is the last 8 KiB. */
  readonly result?: Partial<MillSpawnResult> & {
    readonly errorMessage?: string
    readonly signal?: string
    readonly stderr?: string
  }
}

/** What a program has. Each extension of the configuration adds its functions under its name. */
interface Mill {
  /** Runs one agent to its end. Rejects with a `MillSpawnError` when it fails. */
  readonly spawn: (options: MillSpawnOptions) => Promise<MillSpawnResult>
  /** What followed `--` on the command line. */
  readonly args: ReadonlyArray<string>
  /** The run that this program is. */
  readonly run: {
    readonly id: string
    readonly cwd: string
    readonly metadata: Readonly<Record<string, string>>
  }
  /** Writes a line to the run's event log, for whoever follows the run. */
  readonly log: (message: string) => void
}

/** A `var`, of which several copies add up to one: folders of one project may have one each. */
declare var mill: Mill
