/**
 * Errors that a user can act on. `message` states in one line what is wrong and where; `hint` states what to do next. An
 * error that terminates a command also contains the command's exit code.
 */
import { Predicate, Schema } from "effect"
import { SpawnErrorCause } from "./spawn.schema.ts"

const optionalString = Schema.optional(Schema.String)

/** The fields of every error that terminates a command. */
const commandFields = <const ExitCode extends number>(exitCode: ExitCode) => ({
  message: Schema.String,
  hint: optionalString,
  exitCode: Schema.tag(exitCode),
})

/** An invalid command line, or an invalid argument to the library. */
export class UsageError extends Schema.TaggedError<UsageError>()("UsageError", commandFields(2)) {}

/** An invalid configuration. `message` names the file and the key, the value found and the values allowed. */
export class ConfigError extends Schema.TaggedError<ConfigError>()("ConfigError", {
  ...commandFields(2),
  path: optionalString,
  key: optionalString,
}) {}

/** A program that cannot run. Nothing was started. `location` has the format `file:line:column`. */
export class ProgramError extends Schema.TaggedError<ProgramError>()("ProgramError", {
  ...commandFields(2),
  path: Schema.String,
  location: optionalString,
}) {}

/** No run matches the id, the prefix or `last`. */
export class RunNotFound extends Schema.TaggedError<RunNotFound>()("RunNotFound", {
  ...commandFields(3),
  run: Schema.String,
}) {}

/** The run was still running when the timeout expired. It keeps running. */
export class WaitTimeout extends Schema.TaggedError<WaitTimeout>()("WaitTimeout", {
  ...commandFields(124),
  run: Schema.String,
  seconds: Schema.Finite,
  /** The same as `run` and `seconds`, under the names that clients of earlier versions read. */
  runId: Schema.String,
  timeoutSeconds: Schema.Finite,
}) {}

/** A process that is left after a cancellation. `reason` continues a sentence about it: "belongs to user 0". */
export const LeftProcess = Schema.Struct({
  pid: Schema.Int,
  command: Schema.String,
  reason: Schema.String,
})
export type LeftProcess = typeof LeftProcess.Type

/** Processes of the run are left, although they were killed. `status` is the run's own: `cancelled` once its end is recorded. */
export class CancelIncomplete extends Schema.TaggedError<CancelIncomplete>()("CancelIncomplete", {
  ...commandFields(1),
  runId: Schema.String,
  status: Schema.String,
  left: Schema.Array(LeftProcess),
}) {}

/** A file could not be read or written. */
export class StoreError extends Schema.TaggedError<StoreError>()("StoreError", {
  ...commandFields(1),
  path: Schema.String,
}) {}

/** The worker could not start, or exited before it took over the run. */
export class LaunchError extends Schema.TaggedError<LaunchError>()("LaunchError", commandFields(1)) {}

/**
 * A line of an event log that is not an event. `lineNumber` counts from 1. (A field named `line` would be lost:
 * JavaScriptCore gives every error a `line` that is not enumerable.)
 */
export class IllegalLine extends Schema.TaggedError<IllegalLine>()("IllegalLine", {
  lineNumber: Schema.Int,
  reason: Schema.String,
}) {
  override get message() {
    return `line ${this.lineNumber} of the event log cannot be read: ${this.reason}`
  }
}

/** A line of an event log that was written by a newer version of mill. */
export class UnsupportedVersion extends Schema.TaggedError<UnsupportedVersion>()("UnsupportedVersion", {
  lineNumber: Schema.Int,
  found: Schema.String,
}) {
  override get message() {
    return `line ${this.lineNumber} of the event log has schema version ${this.found}; this version of mill only reads version 1`
  }
}

/** The errors that can occur while an event log is read. */
export type LogError = StoreError | IllegalLine | UnsupportedVersion

/** An event that must not follow the events before it. */
export class IllegalTransition extends Schema.TaggedError<IllegalTransition>()("IllegalTransition", {
  type: Schema.String,
  reason: Schema.String,
}) {
  override get message() {
    return `event ${this.type} was rejected: ${this.reason}`
  }
}

/** Another live worker owns the run. */
export class OwnerExists extends Schema.TaggedError<OwnerExists>()("OwnerExists", {
  run: Schema.String,
  pid: Schema.Int,
}) {
  override get message() {
    return `run ${this.run} is owned by process ${this.pid}, which is still running`
  }
}

/** A spawn that a codec or a driver cannot carry out. */
export class SpawnRefused extends Schema.TaggedError<SpawnRefused>()("SpawnRefused", {
  cause: SpawnErrorCause,
  message: Schema.String,
}) {}

/** The code of a system or platform error, such as `ENOENT`, if it has one. */
export const readSystemCode = (cause: unknown): string | undefined =>
  Predicate.hasProperty(cause, "code") ? String(cause.code) : undefined
