/** The submission of a run: its input, and the prepared run before anything is started. */
import { Schema, Struct } from "effect"
import { DraftPlan, Invocation } from "./plan.schema.ts"

/** The program to run, and its options. */
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

/** A list in an outline that may be incomplete. */
export const Unseen = Schema.Literals(["spawns", "agents", "models"])
export type Unseen = typeof Unseen.Type

/** What the text of a program shows of what it does. */
export const ProgramOutline = Schema.Struct({
  /** Size of the program's own file. */
  bytes: Schema.Int,
  lines: Schema.Int,
  /** Paths of the program's other files. */
  files: Schema.Array(Schema.String),
  /** Imported packages. */
  packages: Schema.Array(Schema.String),
  /** Number of calls of `mill.spawn` in the program's files. */
  spawnCalls: Schema.Int,
  agents: Schema.Array(Schema.String),
  models: Schema.Array(Schema.String),
  /** The lists that may be incomplete. */
  unseen: Schema.Array(Unseen),
})
export type ProgramOutline = typeof ProgramOutline.Type

/** A run that is ready to start. Nothing of it is read from disk again. */
export const PreparedRun = Schema.Struct({
  plan: DraftPlan,
  /** The program's own text. */
  program: Schema.String,
  /** Contents of the plan's sources, by sha256. */
  contents: Schema.ReadonlyMap(Schema.String, Schema.String),
  invocation: Schema.Struct(Struct.omit(Invocation.fields, ["runId"])),
  /** Why mill chose this driver, if the user did not. */
  because: Schema.optional(Schema.String),
  /** Whether the configuration asks for confirmation before the run starts. */
  confirm: Schema.Boolean,
})
export type PreparedRun = typeof PreparedRun.Type
