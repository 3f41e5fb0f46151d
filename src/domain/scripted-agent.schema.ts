/** The scripted agent of tests: its answer to a spawn, and the steps of its process. */
import { Schema } from "effect"
import { Usage } from "./spawn.schema.ts"

export const ScriptedResult = Schema.Struct({
  /** The answer. Default: an empty text, or no answer with `exitCode`. */
  text: Schema.optional(Schema.String),
  sessionRef: Schema.optional(Schema.NonEmptyString),
  stopReason: Schema.optional(Schema.NonEmptyString),
  usage: Schema.optional(Usage),
  /** The model that the agent reports. Default: none, so the result has the model of the spawn. */
  model: Schema.optional(Schema.NonEmptyString),
  /** Tool calls, then milestones, reported in order before the answer. */
  toolCalls: Schema.optional(
    Schema.Array(Schema.Struct({ toolName: Schema.NonEmptyString, input: Schema.optional(Schema.Unknown) })),
  ),
  milestones: Schema.optional(Schema.Array(Schema.NonEmptyString)),
  /** An error that the agent reports. The spawn fails with `agent-error`. */
  errorMessage: Schema.optional(Schema.NonEmptyString),
  /** Written to standard error. */
  stderr: Schema.optional(Schema.String),
  /** The exit code of the agent's process. Default: 0. */
  exitCode: Schema.optional(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 }))),
  /** The agent's process is killed before it answers. */
  crash: Schema.optional(Schema.Boolean),
  /** The agent never answers. It ends when the spawn is cancelled. */
  hang: Schema.optional(Schema.Boolean),
})
export type ScriptedResult = typeof ScriptedResult.Type

/** The next step of the agent's process. */
export const ScriptedStep = Schema.Union([
  Schema.Struct({ _tag: Schema.tag("Print"), line: Schema.String }),
  Schema.Struct({ _tag: Schema.tag("Complain"), text: Schema.String }),
  Schema.Struct({ _tag: Schema.tag("Exit"), code: Schema.Int }),
  Schema.Struct({ _tag: Schema.tag("Crash") }),
]).pipe(Schema.toTaggedUnion("_tag"))
export type ScriptedStep = typeof ScriptedStep.Type
