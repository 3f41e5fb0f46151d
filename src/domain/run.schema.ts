/** A run: one execution of a plan. Its record, which `status` and `ls` show, and its result. */
import { Schema } from "effect"
import { RunId, Timestamp } from "./ids.schema.ts"
import { SpawnSummary, Usage } from "./spawn.schema.ts"

export const RunStatus = Schema.Literals(["pending", "running", "complete", "failed", "cancelled"])
export type RunStatus = typeof RunStatus.Type

export const TerminalRunStatus = Schema.Literals(["complete", "failed", "cancelled"])
export type TerminalRunStatus = typeof TerminalRunStatus.Type

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

/** The message of a run whose worker has died. */
export const lostMessage = "the run's worker exited unexpectedly"

/**
 * The total usage of a run's ended spawns. `costUsd` is present only if every spawn reported its cost; if some did,
 * `costUsdAtLeast` is the sum of those. `spawnsWithoutUsage` counts the spawns that reported no usage.
 */
export const RunUsage = Schema.Struct({
  ...Usage.fields,
  costUsdAtLeast: Schema.optional(Schema.Finite),
  spawnsWithoutUsage: Schema.optional(Schema.Int),
})
export type RunUsage = typeof RunUsage.Type

/** The result of a run. `programResult` is the program's default export, or the value of its top-level return. */
export const RunResult = Schema.Struct({
  runId: RunId,
  status: TerminalRunStatus,
  startedAt: Timestamp,
  completedAt: Timestamp,
  spawns: Schema.Array(SpawnSummary),
  programResult: Schema.optional(Schema.Json),
  errorMessage: Schema.optional(Schema.String),
  /** Where the program failed in the user's source: file:line:column. */
  errorLocation: Schema.optional(Schema.String),
  usage: Schema.optional(RunUsage),
})
export type RunResult = typeof RunResult.Type

/** Absolute paths of a run's files. */
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

/** Numbers of a run's spawns: all that were started, and how many have each status. */
export const SpawnCounts = Schema.Struct({
  started: Schema.Int,
  running: Schema.Int,
  complete: Schema.Int,
  error: Schema.Int,
  cancelled: Schema.Int,
})
export type SpawnCounts = typeof SpawnCounts.Type

/** A source of a run that has changed on disk since the run was submitted. */
export const ChangedSource = Schema.Struct({
  path: Schema.String,
  change: Schema.Literals(["edited", "missing"]),
})
export type ChangedSource = typeof ChangedSource.Type

/** A file of a run that cannot be read, or not whole: its path in the run's directory, and what is wrong with it. */
export const RunDamage = Schema.Struct({ file: Schema.String, message: Schema.String })
export type RunDamage = typeof RunDamage.Type

/** A run at a glance. `run.json` is a snapshot of it; the event log is the source of truth. */
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
  /** Where the program failed in the user's source: file:line:column. */
  errorLocation: Schema.optional(Schema.String),
  parentRunId: Schema.optional(RunId),
  /** Sources that have changed since submit; the run uses the frozen ones. Only `status` reports this. */
  changedSources: Schema.optional(Schema.Array(ChangedSource)),
  /** Files of the run that are damaged. The rest of the record comes from the files that are whole. */
  damage: Schema.optional(Schema.Array(RunDamage)),
  paths: RunPaths,
  summaryHuman: Schema.String,
})
export type RunRecord = typeof RunRecord.Type

/** A run that has been submitted, as `mill run` prints it. */
export const SubmittedRun = Schema.Struct({
  runId: RunId,
  status: RunStatus,
  paths: RunPaths,
  /** The path of the configuration, if there is one. */
  configPath: Schema.optional(Schema.String),
})
export type SubmittedRun = typeof SubmittedRun.Type
