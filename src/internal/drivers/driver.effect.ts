/** What the engine knows of a driver: it reaches an agent for one spawn and reports what came of it. */
import type { Effect, Scope } from "effect"
import type { DriverEvent } from "../../domain/driver.schema.ts"
import type { SpawnRefused } from "../../domain/error.schema.ts"
import type { AgentReport } from "../../domain/spawn-verdict.schema.ts"
import type { RunId, SpawnId } from "../../domain/ids.schema.ts"
import type { SpawnOptions } from "../../domain/spawn.schema.ts"

/** One spawn to carry out. The callbacks are called while it runs; what they do holds up this agent's output only. */
export type DriverRequest = {
  readonly runId: RunId
  readonly spawnId: SpawnId
  readonly input: SpawnOptions
  /** The run's and the spawn's own environment variables. */
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  /** A private directory, made when it is needed and removed afterwards. */
  readonly scratchDir: string
  readonly onStart: (process: { readonly pid: number }) => Effect.Effect<void>
  readonly onEvents: (events: ReadonlyArray<DriverEvent>) => Effect.Effect<void>
  readonly onLines: (stream: "stdout" | "stderr", lines: ReadonlyArray<string>) => Effect.Effect<void>
}

/** How a spawn reaches an agent. Interrupting `run` and closing its scope ends the agent. */
export type Driver = {
  readonly name: string
  readonly run: (request: DriverRequest) => Effect.Effect<AgentReport, SpawnRefused, Scope.Scope>
}
