/**
 * Everything that can go wrong in a way that a user can act on. `message` says what and where, in one line; `hint`
 * says what to do next. The exit code of a command is the one that its error carries.
 */
import { Schema } from "effect"
import { SpawnErrorCause } from "./spawn.schema.ts"

const hint = Schema.optional(Schema.String)

/** A command line that cannot be carried out as it stands. */
export class UsageError extends Schema.TaggedError<UsageError>()("UsageError", {
  message: Schema.String,
  hint,
}) {
  static readonly exitCode = 2
  readonly exitCode = UsageError.exitCode
}

/** A configuration that cannot be used: which file, which key, what was found, what is allowed. */
export class ConfigError extends Schema.TaggedError<ConfigError>()("ConfigError", {
  message: Schema.String,
  path: Schema.optional(Schema.String),
  key: Schema.optional(Schema.String),
  hint,
}) {
  static readonly exitCode = 2
  readonly exitCode = ConfigError.exitCode
}

/** A program that is refused before anything has started. `location` is file:line:column. */
export class ProgramError extends Schema.TaggedError<ProgramError>()("ProgramError", {
  message: Schema.String,
  path: Schema.String,
  location: Schema.optional(Schema.String),
  hint,
}) {
  static readonly exitCode = 2
  readonly exitCode = ProgramError.exitCode
}

/** No run has the id, the prefix, or the name `last`. */
export class RunNotFound extends Schema.TaggedError<RunNotFound>()("RunNotFound", {
  run: Schema.String,
  message: Schema.String,
  hint,
}) {
  static readonly exitCode = 3
  readonly exitCode = RunNotFound.exitCode
}

/** The run had not ended when the time was up; it goes on. */
export class WaitTimeout extends Schema.TaggedError<WaitTimeout>()("WaitTimeout", {
  run: Schema.String,
  seconds: Schema.Finite,
  message: Schema.String,
  hint,
}) {
  static readonly exitCode = 124
  readonly exitCode = WaitTimeout.exitCode
}

/** The store could not be read or written. */
export class StoreError extends Schema.TaggedError<StoreError>()("StoreError", {
  message: Schema.String,
  path: Schema.String,
  hint,
}) {
  static readonly exitCode = 1
  readonly exitCode = StoreError.exitCode
}

/**
 * A line of an event log that is no event. `lineNumber` is counted from 1. (A field `line` would be lost: errors have
 * one of their own in JavaScriptCore, which is not enumerable.)
 */
export class IllegalLine extends Schema.TaggedError<IllegalLine>()("IllegalLine", {
  lineNumber: Schema.Int,
  reason: Schema.String,
}) {
  override get message() {
    return `line ${this.lineNumber} of the event log cannot be read: ${this.reason}`
  }
}

/** A line of an event log that a newer mill wrote. */
export class UnsupportedVersion extends Schema.TaggedError<UnsupportedVersion>()("UnsupportedVersion", {
  lineNumber: Schema.Int,
  found: Schema.String,
}) {
  override get message() {
    return `line ${this.lineNumber} of the event log has schema version ${this.found}; this mill reads version 1`
  }
}

/** Why an event log could not be read on. */
export type LogError = StoreError | IllegalLine | UnsupportedVersion

/** An event that may not follow what the log holds already. */
export class IllegalTransition extends Schema.TaggedError<IllegalTransition>()("IllegalTransition", {
  type: Schema.String,
  reason: Schema.String,
}) {
  override get message() {
    return `${this.type} is refused: ${this.reason}`
  }
}

/** A run that another live worker owns. */
export class OwnerExists extends Schema.TaggedError<OwnerExists>()("OwnerExists", {
  run: Schema.String,
  pid: Schema.Int,
}) {
  readonly exitCode = 1
  override get message() {
    return `run ${this.run} is owned by process ${this.pid}, which is alive`
  }
}

/** The worker could not be started, or ended before it had taken over the run. */
export class LaunchError extends Schema.TaggedError<LaunchError>()("LaunchError", {
  message: Schema.String,
  hint,
}) {
  static readonly exitCode = 1
  readonly exitCode = LaunchError.exitCode
}

/** A spawn that a codec or a driver cannot carry out as it was asked for. */
export class SpawnRefused extends Schema.TaggedError<SpawnRefused>()("SpawnRefused", {
  cause: SpawnErrorCause,
  message: Schema.String,
}) {}

/** The code that the system or the platform gave to what went wrong, such as `ENOENT`, if it has one. */
export const readSystemCode = (cause: unknown): string | undefined =>
  typeof cause === "object" && cause !== null && "code" in cause ? String(cause.code) : undefined
