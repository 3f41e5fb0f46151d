/** The input of a run's submission, and the prepared run before it is started. */
import { Schema, Struct } from "effect"
import { DraftPlan, Invocation } from "./plan.schema.ts"

/** The program to run and the options of the run. */
export const SubmitInput = Schema.Struct({
  /** The path of a TypeScript file, relative to the engine's working directory. */
  program: Schema.NonEmptyString,
  /** Default: the configuration's `defaultDriver`. */
  driver: Schema.optional(Schema.String),
  /** Default: the configuration's `defaultExecutor`. */
  executor: Schema.optional(Schema.String),
  /** The program's arguments, available as `mill.args`. */
  args: Schema.optional(Schema.Array(Schema.String)),
  /** Metadata to attach to the run. */
  metadata: Schema.optional(Schema.Record(Schema.String, Schema.String)),
})
export type SubmitInput = typeof SubmitInput.Type

/** The name of a list in an outline that may be incomplete. */
export const Unseen = Schema.Literals(["spawns", "agents", "models"])
export type Unseen = typeof Unseen.Type

/** A mistake in a program's use of `mill`, found in its source. `location` has the format `file:line:column`. */
export const ProgramProblem = Schema.Struct({
  location: Schema.String,
  message: Schema.String,
  hint: Schema.optional(Schema.String),
})
export type ProgramProblem = typeof ProgramProblem.Type

/** An outline of what a program does, based on its source text. */
export const ProgramOutline = Schema.Struct({
  /** The size of the program file, without imported files. */
  bytes: Schema.Int,
  lines: Schema.Int,
  /** The paths of the files that the program imports. */
  files: Schema.Array(Schema.String),
  /** The packages that the program imports. */
  packages: Schema.Array(Schema.String),
  /** The number of `mill.spawn` calls in the program's files. */
  spawnCalls: Schema.Int,
  agents: Schema.Array(Schema.String),
  models: Schema.Array(Schema.String),
  /** The lists that may be incomplete. */
  unseen: Schema.Array(Unseen),
  /** Members of `mill` that do not exist, and calls of `mill.spawn` that would be rejected. */
  problems: Schema.Array(ProgramProblem),
})
export type ProgramOutline = typeof ProgramOutline.Type

/** A run that is ready to start. Starting it does not read any of its files again. */
export const PreparedRun = Schema.Struct({
  plan: DraftPlan,
  /** The source text of the program file. */
  program: Schema.String,
  /** The contents of the source files in the plan, by SHA-256 hash. */
  contents: Schema.ReadonlyMap(Schema.String, Schema.String),
  invocation: Schema.Struct(Struct.omit(Invocation.fields, ["runId"])),
  /** Why mill chose this driver, if the user did not choose one. */
  because: Schema.optional(Schema.String),
  /** Whether the configuration requires confirmation before the run starts. */
  confirm: Schema.Boolean,
})
export type PreparedRun = typeof PreparedRun.Type
