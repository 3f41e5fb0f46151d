/** A driver as the engine sees it: it runs one spawn's agent and reports the outcome. */
import type { Effect, Scope } from "effect"
import type { DriverEvent } from "../../domain/driver.schema.ts"
import type { SpawnRefused } from "../../domain/error.schema.ts"
import type { AgentReport } from "../../domain/spawn-verdict.schema.ts"
import type { RunId, SpawnId } from "../../domain/ids.schema.ts"
import type { SpawnOptions } from "../../domain/spawn.schema.ts"

/** One spawn to carry out. The callbacks run meanwhile and delay the output of this agent alone. */
export type DriverRequest = {
  readonly runId: RunId
  readonly spawnId: SpawnId
  readonly input: SpawnOptions
  /** The environment variables that mark the run and the spawn. */
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  /** A private directory, created when needed and removed afterwards. */
  readonly scratchDir: string
  /**
   * Called with a function that reads what is known about the agent so far. It is called when `run` has failed or was
   * interrupted and its scope is closed.
   */
  readonly offerReport: (read: () => AgentReport | undefined) => void
  readonly onStart: (process: { readonly pid: number }) => Effect.Effect<void>
  readonly onEvents: (events: ReadonlyArray<DriverEvent>) => Effect.Effect<void>
  /** `overlong` is the number of lines that were dropped for their length. */
  readonly onLines: (
    stream: "stdout" | "stderr",
    lines: ReadonlyArray<string>,
    overlong?: number,
  ) => Effect.Effect<void>
}

/** Runs agents. Interrupting `run` and closing its scope ends the agent. */
export type Driver = {
  readonly name: string
  /** The driver's default model, if a spawn with this input uses it. */
  readonly defaultModelFor: (input: SpawnOptions) => string | undefined
  readonly run: (request: DriverRequest) => Effect.Effect<AgentReport, SpawnRefused, Scope.Scope>
}
