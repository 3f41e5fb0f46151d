/**
 * The protocol between the program host and the worker: JSON-RPC 2.0 over a private Unix socket, one message per line.
 * The host sends requests; the worker answers. The host imports only the types of this file.
 */
import { Schema } from "effect"
import { FailedSpawnResult, SpawnErrorCause } from "./spawn.schema.ts"
import { SpawnId } from "./ids.schema.ts"

/** The error that rejects the program's promise when a spawn fails. */
export class SpawnFailure extends Schema.TaggedError<SpawnFailure>()("MillSpawnError", {
  message: Schema.String,
  /** Why the spawn failed. With `invalid-input` and `run-ending` nothing was started. */
  cause: Schema.Union([SpawnErrorCause, Schema.Literals(["cancelled", "invalid-input", "run-ending"])]),
  spawnId: Schema.optional(SpawnId),
  result: Schema.optional(FailedSpawnResult),
}) {}

/** The error that rejects the program's promise when an extension's function fails. */
export class ExtensionCallFailure extends Schema.TaggedError<ExtensionCallFailure>()("MillExtensionError", {
  message: Schema.String,
  extension: Schema.String,
  function: Schema.String,
}) {}

/** A call of an extension's function. */
export const ExtensionCall = Schema.Struct({
  extension: Schema.String,
  function: Schema.String,
  args: Schema.Array(Schema.Json),
})
export type ExtensionCall = typeof ExtensionCall.Type

/** The function's result as JSON text; absent for `undefined`. */
export const ExtensionAnswer = Schema.Struct({ json: Schema.optional(Schema.String) })
export type ExtensionAnswer = typeof ExtensionAnswer.Type

/** How a program ended on its own. */
export const ProgramEnd = Schema.Union([
  Schema.Struct({ type: Schema.Literal("complete"), result: Schema.optional(Schema.Json) }),
  Schema.Struct({
    type: Schema.Literal("failed"),
    message: Schema.String,
    location: Schema.optional(Schema.String),
    stack: Schema.optional(Schema.String),
  }),
])
export type ProgramEnd = typeof ProgramEnd.Type
