/**
 * An extension: hooks on a run's life and functions for the program. The hooks are Effects in the worker; the functions
 * are Promises, and a program calls them as `mill.<extension>.<function>`.
 */
import type { Effect, Scope } from "effect"
import { Schema } from "effect"
import type { MillEvent } from "./event.schema.ts"
import { RunId } from "./ids.schema.ts"

/** What a hook knows of the run that it belongs to. */
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
 * Called once, before the program starts, which waits for it. What it acquires is released when the run has ended. When
 * it fails, the extension is off for this run.
 */
export type ExtensionSetup = (context: ExtensionContext) => Effect.Effect<void, unknown, Scope.Scope>

/**
 * Called for each tier-1 event but the extension's own `extension:error`, one at a time, in order, the run's end
 * included. Never holds up the run: what waits longer than the last thousand events is dropped.
 */
export type ExtensionOnEvent = (event: MillEvent, context: ExtensionContext) => Effect.Effect<void, unknown>

/** Takes JSON and gives it, by a promise where its author keeps to the public types; a rejection rejects the call. */
export type ExtensionFunction = (...args: ReadonlyArray<unknown>) => unknown

const isFunction = (value: unknown): value is (...args: ReadonlyArray<never>) => unknown =>
  typeof value === "function"

const Setup = Schema.declare<ExtensionSetup>((value): value is ExtensionSetup => isFunction(value), {
  expected: "a function that returns an Effect",
})
const OnEvent = Schema.declare<ExtensionOnEvent>((value): value is ExtensionOnEvent => isFunction(value), {
  expected: "a function that returns an Effect",
})
const ApiFunction = Schema.declare<ExtensionFunction>(
  (value): value is ExtensionFunction => isFunction(value),
  {
    expected: "a function that returns a Promise",
  },
)

/** What `mill` already has, and what a promise would be taken for. */
const reserved = ["args", "log", "run", "spawn", "then"]

const Identifier = Schema.String.check(
  Schema.isPattern(/^[A-Za-z_$][\w$]*$/, { expected: "a valid variable name" }),
)

const ExtensionName = Identifier.check(
  Schema.makeFilter((name) => !reserved.includes(name), {
    expected: `a name that mill does not reserve (${reserved.join(", ")})`,
  }),
)

/** What a function may be called. */
export const FunctionName = Identifier.check(
  Schema.makeFilter((name) => name !== "then", {
    expected: "another name: an object with a function `then` is taken for a promise",
  }),
)

/** What a function is for, and its TypeScript type, for those who write programs. */
export const FunctionDoc = Schema.Struct({
  description: Schema.optional(Schema.String),
  /** For example `(title: string) => Promise<void>`; any arguments and an unknown result when absent. */
  type: Schema.optional(Schema.NonEmptyString),
})
export type FunctionDoc = typeof FunctionDoc.Type

export const ExtensionConfig = Schema.Struct({
  name: ExtensionName,
  description: Schema.optional(Schema.String),
  setup: Schema.optional(Setup),
  onEvent: Schema.optional(OnEvent),
  api: Schema.optional(Schema.Record(FunctionName, ApiFunction)),
  /** By the names of `api`. */
  docs: Schema.optional(Schema.Record(Schema.String, FunctionDoc)),
})
export type ExtensionConfig = typeof ExtensionConfig.Type
