/**
 * Extensions. An extension has hooks, which are Effects that the worker runs, and functions that return Promises, which a
 * program calls as `mill.<extension>.<function>`.
 */
import type { Effect, Scope } from "effect"
import { Predicate, Schema } from "effect"
import type { MillEvent } from "./event.schema.ts"
import { RunId } from "./ids.schema.ts"

/** The run that a hook belongs to. */
export const ExtensionContext = Schema.Struct({
  runId: RunId,
  /** Absolute path of the run's folder. */
  runDir: Schema.String,
  programPath: Schema.String,
  /** The submitter's working directory. */
  cwd: Schema.String,
  metadata: Schema.Record(Schema.String, Schema.String),
})
export type ExtensionContext = typeof ExtensionContext.Type

/**
 * Runs once before the program starts. Resources that the hook acquires are released when the run has ended. When the
 * hook fails, the extension is disabled for this run.
 */
export type ExtensionSetup = (context: ExtensionContext) => Effect.Effect<void, unknown, Scope.Scope>

/**
 * Runs for each tier-1 event, one at a time and in order, including the end of the run, but not for the extension's own
 * `extension:error`. A slow hook never holds up the run: events beyond the last thousand waiting are dropped.
 */
export type ExtensionOnEvent = (event: MillEvent, context: ExtensionContext) => Effect.Effect<void, unknown>

/** Takes and returns JSON values; the public types require a Promise. A rejection rejects the program's call. */
export type ExtensionFunction = (...args: ReadonlyArray<unknown>) => unknown

const declareFunction = <F>(returns: string) =>
  Schema.declare<F>((value): value is F => Predicate.isFunction(value), {
    expected: `a function that returns ${returns}`,
  })

/** The globals of `mill`, and `then`, which would make `mill` look like a Promise. */
const reserved = ["args", "log", "run", "spawn", "then"]

const Identifier = Schema.String.check(
  Schema.isPattern(/^[A-Za-z_$][\w$]*$/, { expected: "a valid variable name" }),
)

const ExtensionName = Identifier.check(
  Schema.makeFilter((name) => !reserved.includes(name), {
    expected: `a name other than the reserved names (${reserved.join(", ")})`,
  }),
)

/** The name of an extension's function. */
export const FunctionName = Identifier.check(
  Schema.makeFilter((name) => name !== "then", {
    expected: "a different name; an object with a `then` function is treated as a promise",
  }),
)

/** A function's description and TypeScript type, for authors of programs. */
export const FunctionDoc = Schema.Struct({
  description: Schema.optional(Schema.String),
  /** For example `(title: string) => Promise<void>`. Default: any arguments and an unknown result. */
  type: Schema.optional(Schema.NonEmptyString),
})
export type FunctionDoc = typeof FunctionDoc.Type

export const ExtensionConfig = Schema.Struct({
  name: ExtensionName,
  description: Schema.optional(Schema.String),
  setup: Schema.optional(declareFunction<ExtensionSetup>("an Effect")),
  onEvent: Schema.optional(declareFunction<ExtensionOnEvent>("an Effect")),
  api: Schema.optional(Schema.Record(FunctionName, declareFunction<ExtensionFunction>("a Promise"))),
  /** Documentation of the functions in `api`, by name. */
  docs: Schema.optional(Schema.Record(Schema.String, FunctionDoc)),
})
export type ExtensionConfig = typeof ExtensionConfig.Type
