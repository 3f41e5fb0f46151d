/**
 * Runs of an older mill, which named them `run_<uuid>`. Of its format, only the names of the fields of `run.json` are
 * known, so all but the status may be missing. Such runs are only read.
 */
import { Schema } from "effect"
import { defined } from "./defined.ts"
import { type RunId, Timestamp } from "./ids.schema.ts"
import { isTerminalStatus, type RunPaths, type RunRecord, RunStatus, type SpawnCounts } from "./run.schema.ts"

const optionalString = Schema.optional(Schema.String)

/** The `run.json` of an older mill. */
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

/** What the record says of a field that an older mill did not write. */
const unknown = "unknown"

/** Makes a record from that of an older mill. `writtenAt` is when its file was written: for a run that has ended, at its end. */
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
