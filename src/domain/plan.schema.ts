/**
 * The frozen plan of a run: everything that it depends on, resolved when it was submitted. `planId` is the sha256 over
 * the canonical JSON of the plan without `planId` and `invocation`, so that two runs of the same plan can be told.
 */
import { Schema } from "effect"
import { SandboxRuntime } from "./config.schema.ts"
import { SecretHeader } from "./http-config.schema.ts"
import { RunId, SpawnId } from "./ids.schema.ts"

export const planVersion = 1

/** A source file as it was at submit. Its contents are in the run's `sources` folder, under its sha256. */
export const PlanSource = Schema.Struct({
  /** Absolute path. */
  path: Schema.String,
  sha256: Schema.String,
  /** Where the file is loaded in another form than it has on disk: the sha256 of that form. */
  loadAs: Schema.optional(Schema.String),
  /** How many characters that form has before the first line's own. */
  columnShift: Schema.optional(Schema.Int),
  /** Imported as text, though its name does not say so. */
  asText: Schema.optional(Schema.Boolean),
  /** Made of a configuration that was given as an object: there is no such file. */
  generated: Schema.optional(Schema.Boolean),
  /** What its import specifiers stand for: absolute paths of other sources. */
  imports: Schema.optional(Schema.Record(Schema.String, Schema.String)),
  /** What it imports from elsewhere: packages, modules of Bun's and Node's. */
  packages: Schema.optional(Schema.Array(Schema.String)),
})
export type PlanSource = typeof PlanSource.Type

export const PlanProcessDriver = Schema.Struct({
  name: Schema.String,
  type: Schema.Literal("process"),
  /** Absolute path of the executable, as found on PATH at submit. */
  command: Schema.String,
  args: Schema.Array(Schema.String),
  codec: Schema.String,
  /** The options that the codec was made with. */
  codecOptions: Schema.Json,
  /** Names of the environment variables that the driver sets; their values are nowhere on disk. */
  env: Schema.Array(Schema.String),
  cwd: Schema.optional(Schema.String),
  maxLineBytes: Schema.Int,
  /** Seconds that an agent may take to end after SIGTERM. */
  cancelGrace: Schema.Finite,
  modelFormat: Schema.String,
  models: Schema.Array(Schema.String),
})
export type PlanProcessDriver = typeof PlanProcessDriver.Type

export const PlanHttpDriver = Schema.Struct({
  name: Schema.String,
  type: Schema.Literal("http"),
  /** Where requests go. */
  url: Schema.String,
  codec: Schema.String,
  /** The options that the codec was made with. */
  codecOptions: Schema.Json,
  /** Names of the headers that the configuration adds; their values are nowhere in the plan. */
  headers: Schema.Array(Schema.String),
  /** Headers that are taken from environment variables, by name; their values are nowhere on disk. */
  keys: Schema.Array(SecretHeader),
  /** Seconds that a spawn may take. */
  timeout: Schema.optional(Schema.Finite),
  maxRetries: Schema.Int,
  maxLineBytes: Schema.Int,
  modelFormat: Schema.String,
  models: Schema.Array(Schema.String),
})
export type PlanHttpDriver = typeof PlanHttpDriver.Type

export const PlanDriver = Schema.Union([PlanProcessDriver, PlanHttpDriver])
export type PlanDriver = typeof PlanDriver.Type

/** The program runs as a process like any other. */
export const PlanDirectExecutor = Schema.Struct({ name: Schema.String, type: Schema.Literal("direct") })

/** The program runs in a sandbox. */
export const PlanVmExecutor = Schema.Struct({
  name: Schema.String,
  type: Schema.Literal("vm"),
  runtime: SandboxRuntime,
  /** Absolute path of the runtime's executable, as found on PATH at submit. */
  command: Schema.String,
  image: Schema.optional(Schema.String),
  /** Names of the submitter's variables that the program finds; their values are nowhere on disk. */
  env: Schema.Array(Schema.String),
  /** Names of the variables that the configuration sets. */
  setEnv: Schema.Array(Schema.String),
  /** Absolute paths that the program may read besides its own. */
  readable: Schema.Array(Schema.String),
  /** MiB. */
  memory: Schema.optional(Schema.Int),
  processes: Schema.optional(Schema.Int),
})
export type PlanVmExecutor = typeof PlanVmExecutor.Type

export const PlanExecutor = Schema.Union([PlanDirectExecutor, PlanVmExecutor])
export type PlanExecutor = typeof PlanExecutor.Type

export const PlanExtension = Schema.Struct({
  name: Schema.String,
  /** The functions that the program finds under that name. */
  api: Schema.Array(Schema.String),
})
export type PlanExtension = typeof PlanExtension.Type

/** What is particular to one run of the plan. */
export const Invocation = Schema.Struct({
  runId: RunId,
  /** The submitter's working directory, which is the program's and the agents'. */
  cwd: Schema.String,
  args: Schema.Array(Schema.String),
  metadata: Schema.Record(Schema.String, Schema.String),
  /** 0 for a run started from outside any run. */
  depth: Schema.Int,
  parentRunId: Schema.optional(RunId),
  parentSpawnId: Schema.optional(SpawnId),
})
export type Invocation = typeof Invocation.Type

const content = {
  planVersion: Schema.Literal(planVersion),
  mill: Schema.String,
  bun: Schema.String,
  programPath: Schema.String,
  /** The program and what it imports, the program first. */
  program: Schema.Array(PlanSource),
  /** The configuration and what it imports, the configuration first; empty when there is none. */
  config: Schema.Array(PlanSource),
  driver: PlanDriver,
  executor: PlanExecutor,
  extensions: Schema.Array(PlanExtension),
  /** What the configuration tells to whoever writes programs. */
  authoring: Schema.optional(Schema.String),
  limits: Schema.Struct({
    maxRunDepth: Schema.Int,
    /** Seconds that the program's process, and what an agent leaves, may take to end after SIGTERM. */
    cancelGrace: Schema.Finite,
  }),
}

/** What `planId` is the hash of. */
export const PlanContent = Schema.Struct(content)
export type PlanContent = typeof PlanContent.Type

/** A plan that no run has been made of yet. */
export const DraftPlan = Schema.Struct({ planId: Schema.String, ...content })
export type DraftPlan = typeof DraftPlan.Type

export const Plan = Schema.Struct({ ...DraftPlan.fields, invocation: Invocation })
export type Plan = typeof Plan.Type
