/**
 * Runs of older versions of mill, named `run_<uuid>`. Only the names of the fields in `run.json` are known, so every field
 * except the status may be missing. mill reads such runs and never changes them.
 */
import { Schema } from "effect"
import { defined } from "./defined.ts"
import { type RunId, Timestamp } from "./ids.schema.ts"
import { isTerminalStatus, type RunPaths, type RunRecord, RunStatus, type SpawnCounts } from "./run.schema.ts"

const optionalString = Schema.optional(Schema.String)

/** The `run.json` of an older version. */
export const OlderRecord = Schema.Struct({
  status: RunStatus,
  programPath: optionalString,
  driver: optionalString,
  executor: optionalString,
  createdAt: Schema.optional(Timestamp),
  updatedAt: Schema.optional(Timestamp),
  startedAt: Schema.optional(Timestamp),
  completedAt: Schema.optional(Timestamp),
  planId: optionalString,
  metadata: Schema.optional(Schema.Record(Schema.String, Schema.String)),
  errorMessage: optionalString,
})

/** The value of fields that older versions did not write. */
const unknown = "unknown"

/** Converts the record of an older version. `writtenAt` is when the file was written; for an ended run, this is the run's end. */
export const makeOlderRecord = (
  older: typeof OlderRecord.Type,
  id: RunId,
  paths: RunPaths,
  spawns: SpawnCounts,
  writtenAt: string,
): RunRecord => {
  const createdAt = older.createdAt ?? older.startedAt ?? writtenAt
  return defined({
    ...older,
    id,
    programPath: older.programPath ?? unknown,
    driver: older.driver ?? unknown,
    executor: older.executor ?? unknown,
    createdAt,
    updatedAt: older.updatedAt ?? older.completedAt ?? createdAt,
    completedAt: isTerminalStatus(older.status)
      ? (older.completedAt ?? older.updatedAt ?? writtenAt)
      : undefined,
    planId: older.planId ?? unknown,
    spawns,
    paths,
    summaryHuman: `${id} is ${older.status} (started by an older version of mill)`,
  })
}
