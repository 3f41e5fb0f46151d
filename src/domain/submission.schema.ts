/** What is submitted, and what it becomes before anything is started. */
import { Schema, Struct } from "effect"
import { DraftPlan, Invocation } from "./plan.schema.ts"

/** What is to be run, and how. */
export const SubmitInput = Schema.Struct({
  /** The path of a TypeScript file; a relative one from the engine's working directory. */
  program: Schema.NonEmptyString,
  /** The configuration's default when absent. */
  driver: Schema.optional(Schema.String),
  executor: Schema.optional(Schema.String),
  /** What the program finds in `mill.args`. */
  args: Schema.optional(Schema.Array(Schema.String)),
  /** Facts to keep with the run. */
  metadata: Schema.optional(Schema.Record(Schema.String, Schema.String)),
})
export type SubmitInput = typeof SubmitInput.Type

/** What of a program its text does not show in full. */
export const Unseen = Schema.Literals(["spawns", "agents", "models"])
export type Unseen = typeof Unseen.Type

/** What a program can be seen to do from its text alone. */
export const ProgramOutline = Schema.Struct({
  /** Of the program's own file. */
  bytes: Schema.Int,
  lines: Schema.Int,
  /** Paths of the other files that belong to it. */
  files: Schema.Array(Schema.String),
  /** What it imports from elsewhere. */
  packages: Schema.Array(Schema.String),
  /** How many calls of `mill.spawn` its files hold. */
  spawnCalls: Schema.Int,
  agents: Schema.Array(Schema.String),
  models: Schema.Array(Schema.String),
  /** Of which there may be more than is named here. */
  unseen: Schema.Array(Unseen),
})
export type ProgramOutline = typeof ProgramOutline.Type

/** A run that could start as it stands: nothing of it is read from the disk again. */
export const PreparedRun = Schema.Struct({
  plan: DraftPlan,
  /** The program's own text. */
  program: Schema.String,
  /** Contents of the plan's sources by their sha256. */
  contents: Schema.ReadonlyMap(Schema.String, Schema.String),
  invocation: Schema.Struct(Struct.omit(Invocation.fields, ["runId"])),
  /** Why this driver, where the choice was mill's. */
  because: Schema.optional(Schema.String),
  /** Whether the configuration would have a person asked before it starts. */
  confirm: Schema.Boolean,
})
export type PreparedRun = typeof PreparedRun.Type
