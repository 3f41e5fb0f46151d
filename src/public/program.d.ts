/**
 * The global `mill` in a program. If `@mill/core` is installed, this line at the top of a program makes its types available:
 *
 *     /// <reference types="@mill/core/program" />
 */

/** The options for a spawn: one agent and its task. */
interface MillSpawnOptions {
  /** A name of your choice for the agent. */
  readonly agent: string
  /** The agent's role. */
  readonly systemPrompt: string
  /** The agent's task. */
  readonly prompt: string
  /** The model to use, in the format that the driver expects. Default: the driver's `defaultModel`, or the agent's own default. */
  readonly model?: string | undefined
  /** The `sessionRef` of an earlier answer from the same driver. The agent continues that conversation. */
  readonly sessionRef?: string | undefined
}

/** Tokens and cost as reported by the agent. A missing field is unknown, not zero. */
interface MillUsage {
  readonly inputTokens: number
  readonly outputTokens: number
  readonly cacheReadTokens?: number
  readonly cacheWriteTokens?: number
  readonly costUsd?: number
}

/** The answer from an agent. */
interface MillSpawnResult {
  readonly text: string
  /** Identifies the conversation, so that another spawn or the agent's own command can continue it. */
  readonly sessionRef: string
  readonly agent: string
  /**
   * The model that the agent reported. If it reported none, the model that was requested, or `default` if none was.
   */
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
  /** The reason for the failure, for example `agent-error`, `exit`, `signal`, `not-found`, `cancelled` or `invalid-input`. */
  readonly cause: string
  readonly spawnId?: string
  /** Whatever is known about the failed spawn. `stderr` contains the last 8 KiB of its standard error. */
  readonly result?: Partial<MillSpawnResult> & {
    readonly errorMessage?: string
    readonly signal?: string
    readonly stderr?: string
  }
}

/** The API for programs. Each configured extension adds its functions under its own name. */
interface Mill {
  /** Runs an agent and resolves to its answer. Rejects with a `MillSpawnError` if the spawn fails. */
  readonly spawn: (options: MillSpawnOptions) => Promise<MillSpawnResult>
  /** The arguments after `--` on the command line. */
  readonly args: ReadonlyArray<string>
  /** The run that executes this program. */
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
