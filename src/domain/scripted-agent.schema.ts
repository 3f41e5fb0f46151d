/** What a test's agent gives for a spawn. */
import { Schema } from "effect"
import { Usage } from "./spawn.schema.ts"

export const ScriptedResult = Schema.Struct({
  /** The answer: empty when absent, and none at all beside `exitCode`. */
  text: Schema.optional(Schema.String),
  sessionRef: Schema.optional(Schema.NonEmptyString),
  stopReason: Schema.optional(Schema.NonEmptyString),
  usage: Schema.optional(Usage),
  /** Told in this order, before the answer. */
  toolCalls: Schema.optional(
    Schema.Array(Schema.Struct({ toolName: Schema.NonEmptyString, input: Schema.optional(Schema.Unknown) })),
  ),
  milestones: Schema.optional(Schema.Array(Schema.NonEmptyString)),
  /** What went wrong, as the agent itself tells it: the spawn fails with `agent-error`. */
  errorMessage: Schema.optional(Schema.NonEmptyString),
  /** Written to standard error. */
  stderr: Schema.optional(Schema.String),
  /** The exit code of the agent's process: 0 when absent. */
  exitCode: Schema.optional(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 }))),
  /** The agent's process is killed before it answers. */
  crash: Schema.optional(Schema.Boolean),
  /** The agent never answers; it ends when the spawn is cancelled. */
  hang: Schema.optional(Schema.Boolean),
})
export type ScriptedResult = typeof ScriptedResult.Type

/** What the agent's process is told to do next. */
export const ScriptedStep = Schema.Union([
  Schema.Struct({ _tag: Schema.tag("Print"), line: Schema.String }),
  Schema.Struct({ _tag: Schema.tag("Complain"), text: Schema.String }),
  Schema.Struct({ _tag: Schema.tag("Exit"), code: Schema.Int }),
  Schema.Struct({ _tag: Schema.tag("Crash") }),
]).pipe(Schema.toTaggedUnion("_tag"))
export type ScriptedStep = typeof ScriptedStep.Type
