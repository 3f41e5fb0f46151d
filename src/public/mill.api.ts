/**
 * `@mill/core`: the functions for writing a `mill.config.ts`, and mill as a library.
 *
 * @example
 * import { defineConfig, processDriver, claudeCodec } from "@mill/core"
 *
 * export default defineConfig({
 *   defaultDriver: "claude",
 *   drivers: { claude: processDriver({ command: "claude", codec: claudeCodec() }) },
 * })
 *
 * @example
 * import { createMill } from "@mill/core"
 *
 * await using mill = createMill()
 * const { programResult } = await mill.runSync({ program: "plan.ts", driver: "offline" })
 */
export * from "./config.api.ts"
export { createEngine, createMill } from "./engine.api.ts"
export type {
  Cancellation,
  DiscoverOptions,
  Initialized,
  InitOptions,
  InspectedRun,
  InspectedSpawn,
  IoItem,
  IoLine,
  ListedRuns,
  MillEngine,
  RunFilter,
  RunOrSpawnRef,
  SpawnRef,
} from "../domain/engine.schema.ts"
export type { PreparedRun, ProgramOutline, SubmitInput } from "../domain/submission.schema.ts"
export * from "./errors.api.ts"
export type { Abortable, EngineOptions, MillClient } from "./library.api.ts"
export type { LogEntry } from "../domain/event.schema.ts"
export type {
  DirectExecutor,
  Extension,
  ExtensionFunction,
  HttpDriver,
  HttpDriverOptions,
  MillConfig,
  ProcessDriver,
  ProcessDriverOptions,
  VmExecutor,
  VmExecutorOptions,
} from "./types.ts"
export type { RunRecord, RunResult, RunStatus, SubmittedRun } from "../domain/run.schema.ts"
export type { SpawnOptions, SpawnResult, SpawnSummary, Usage } from "../domain/spawn.schema.ts"
