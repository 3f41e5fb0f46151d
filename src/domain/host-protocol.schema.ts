/**
 * What the program host and the worker say to each other: JSON-RPC 2.0, a message a line, over a Unix socket that only
 * the two know. The host asks; the worker answers. The host imports the types of this file and nothing else of mill.
 */
import { Schema } from "effect"
import { FailedSpawnResult, SpawnErrorCause } from "./spawn.schema.ts"
import { SpawnId } from "./ids.schema.ts"

/** A spawn that failed, as the program's rejected promise carries it. */
export class SpawnFailure extends Schema.TaggedError<SpawnFailure>()("MillSpawnError", {
  message: Schema.String,
  /** `cancelled`, or `invalid-input` when nothing was started; otherwise why the spawn failed. */
  cause: Schema.Union([SpawnErrorCause, Schema.Literals(["cancelled", "invalid-input", "run-ending"])]),
  spawnId: Schema.optional(SpawnId),
  result: Schema.optional(FailedSpawnResult),
}) {}

/** A call of an extension's function that failed, as the program's rejected promise carries it. */
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

/** What the function gave, as JSON text; no text for `undefined`. */
export const ExtensionAnswer = Schema.Struct({ json: Schema.optional(Schema.String) })
export type ExtensionAnswer = typeof ExtensionAnswer.Type

/** How a program ended by itself. */
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
