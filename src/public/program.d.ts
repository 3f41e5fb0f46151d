/**
 * The global `mill` of a program. To make it known to the editor, begin the program with:
 *
 *     /// <reference types="@mill/core/program" />
 */

/** What an agent is asked to do. */
interface MillSpawnOptions {
  /** A name for the agent, of your choice. */
  readonly agent: string
  /** Who the agent is. */
  readonly systemPrompt: string
  /** The agent's task. */
  readonly prompt: string
  /** The model to use, in the format of the driver. */
  readonly model: string
  /** Continues an earlier conversation: the `sessionRef` of its last answer, from the same driver. */
  readonly sessionRef?: string
}

/** Tokens and cost, as the agent reported them. A missing field is unknown, not zero. */
interface MillUsage {
  readonly inputTokens: number
  readonly outputTokens: number
  readonly cacheReadTokens?: number
  readonly cacheWriteTokens?: number
  readonly costUsd?: number
}

/** The answer of an agent. */
interface MillSpawnResult {
  readonly text: string
  /** Continues the conversation, in another spawn or in the agent's own tool. */
  readonly sessionRef: string
  readonly agent: string
  readonly model: string
  readonly driver: string
  readonly exitCode: number
  readonly stopReason?: string
  readonly usage?: MillUsage
  readonly durationMs: number
}

/** The error that a failed spawn rejects with. */
interface MillSpawnError extends Error {
  readonly name: "MillSpawnError"
  /** Why: for example `agent-error`, `exit`, `signal`, `not-found`, `cancelled`, `invalid-input`. */
  readonly cause: string
  readonly spawnId?: string
  /** What is known about the failed spawn. `stderr` has the last 8 KiB. */
  readonly result?: Partial<MillSpawnResult> & {
    readonly errorMessage?: string
    readonly signal?: string
    readonly stderr?: string
  }
}

/** The API of a program. Each extension in the configuration adds its functions under its own name. */
interface Mill {
  /** Runs an agent and resolves to its answer. Rejects with a `MillSpawnError`. */
  readonly spawn: (options: MillSpawnOptions) => Promise<MillSpawnResult>
  /** The arguments after `--` on the command line. */
  readonly args: ReadonlyArray<string>
  /** The run of this program. */
  readonly run: {
    readonly id: string
    readonly cwd: string
    readonly metadata: Readonly<Record<string, string>>
  }
  /** Writes a message to the run's event log. */
  readonly log: (message: string) => void
}

/** A `var`, so that several copies of this file can coexist in a project. */
declare var mill: Mill
