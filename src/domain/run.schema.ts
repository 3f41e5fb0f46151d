/**
 * One execution of a plan: its record, as `status` and `ls` show it, and its result.
 */
import { Schema } from "effect"
import { RunId, Timestamp } from "./ids.schema.ts"
import { SpawnSummary, Usage } from "./spawn.schema.ts"

export const RunStatus = Schema.Literals(["pending", "running", "complete", "failed", "cancelled"])
export type RunStatus = typeof RunStatus.Type

export const TerminalRunStatus = Schema.Literals(["complete", "failed", "cancelled"])
export type TerminalRunStatus = typeof TerminalRunStatus.Type

/** Whether a run with this status has ended. */
export const isTerminalStatus = Schema.is(TerminalRunStatus)

/** Why a run failed. */
export const RunFailureCause = Schema.Literals([
  "program-error",
  "program-exit",
  "worker-lost",
  "storage",
  "limit",
])
export type RunFailureCause = typeof RunFailureCause.Type

/**
 * The sum over a run's ended spawns. `costUsd` is there only where every one of them reported its cost; where some
 * did, `costUsdAtLeast` is the sum of those. `spawnsWithoutUsage` counts those that reported no tokens.
 */
export const RunUsage = Schema.Struct({
  ...Usage.fields,
  costUsdAtLeast: Schema.optional(Schema.Finite),
  spawnsWithoutUsage: Schema.optional(Schema.Int),
})
export type RunUsage = typeof RunUsage.Type

/** The end of a run. `programResult` is the program's default export, or what it returned. */
export const RunResult = Schema.Struct({
  runId: RunId,
  status: TerminalRunStatus,
  startedAt: Timestamp,
  completedAt: Timestamp,
  spawns: Schema.Array(SpawnSummary),
  programResult: Schema.optional(Schema.Json),
  errorMessage: Schema.optional(Schema.String),
  /** Where in the user's own source the program failed: file:line:column. */
  errorLocation: Schema.optional(Schema.String),
  usage: Schema.optional(RunUsage),
})
export type RunResult = typeof RunResult.Type

/** Where a run's files are: absolute paths. */
export const RunPaths = Schema.Struct({
  runDir: Schema.String,
  runFile: Schema.String,
  eventsFile: Schema.String,
  resultFile: Schema.String,
  planFile: Schema.String,
  programFile: Schema.String,
  logFile: Schema.String,
})
export type RunPaths = typeof RunPaths.Type

/** How many of a run's spawns were started, and what became of them. */
export const SpawnCounts = Schema.Struct({
  started: Schema.Int,
  running: Schema.Int,
  complete: Schema.Int,
  error: Schema.Int,
  cancelled: Schema.Int,
})
export type SpawnCounts = typeof SpawnCounts.Type

/** A source of a run that is not on disk any more as the run's plan has it. */
export const ChangedSource = Schema.Struct({
  path: Schema.String,
  change: Schema.Literals(["edited", "missing"]),
})
export type ChangedSource = typeof ChangedSource.Type

/** A run at a glance. A snapshot of it is `run.json`; the truth is the run's event log. */
export const RunRecord = Schema.Struct({
  id: RunId,
  status: RunStatus,
  programPath: Schema.String,
  driver: Schema.String,
  executor: Schema.String,
  createdAt: Timestamp,
  updatedAt: Timestamp,
  startedAt: Schema.optional(Timestamp),
  completedAt: Schema.optional(Timestamp),
  planId: Schema.String,
  metadata: Schema.optional(Schema.Record(Schema.String, Schema.String)),
  spawns: SpawnCounts,
  usage: Schema.optional(RunUsage),
  errorMessage: Schema.optional(Schema.String),
  /** Where in the user's own source the program failed: file:line:column. */
  errorLocation: Schema.optional(Schema.String),
  parentRunId: Schema.optional(RunId),
  /** Told by `status` alone: which sources have been changed since. The run goes by the frozen ones. */
  changedSources: Schema.optional(Schema.Array(ChangedSource)),
  paths: RunPaths,
  summaryHuman: Schema.String,
})
export type RunRecord = typeof RunRecord.Type

/** What `mill run` prints: the run is on its way. */
export const SubmittedRun = Schema.Struct({
  runId: RunId,
  status: RunStatus,
  paths: RunPaths,
  /** The configuration that was used, if there is one. */
  configPath: Schema.optional(Schema.String),
})
export type SubmittedRun = typeof SubmittedRun.Type
