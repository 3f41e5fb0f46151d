/**
 * The frozen plan of a run: everything that the run depends on, resolved at submit. `planId` is the sha256 of the
 * canonical JSON of the plan without `planId` and `invocation`, so that runs of the same plan share it.
 */
import { Schema } from "effect"
import { SandboxRuntime } from "./config.schema.ts"
import { SecretHeader } from "./http-config.schema.ts"
import { RunId, SpawnId } from "./ids.schema.ts"

export const planVersion = 1

/** A source file as of submit. Its contents are in the run's `sources` folder, named by their sha256. */
export const PlanSource = Schema.Struct({
  /** Absolute path. */
  path: Schema.String,
  sha256: Schema.String,
  /** The sha256 of the form to load, if the file is not loaded as it is on disk. */
  loadAs: Schema.optional(Schema.String),
  /** Number of characters that the loaded form adds before the first line. */
  columnShift: Schema.optional(Schema.Int),
  /** Imported only as text, whatever the file's extension. */
  asText: Schema.optional(Schema.Boolean),
  /** The module format of code; ES modules have none. */
  format: Schema.optional(Schema.Literal("commonjs")),
  /** Generated from a configuration object; there is no such file on disk. */
  generated: Schema.optional(Schema.Boolean),
  /** Generated from an object with functions. The run must stay in the process that submitted it. */
  local: Schema.optional(Schema.Boolean),
  /** The absolute path of another source for each import specifier. */
  imports: Schema.optional(Schema.Record(Schema.String, Schema.String)),
  /** The types that imports give, such as `text`, by specifier. */
  importTypes: Schema.optional(Schema.Record(Schema.String, Schema.String)),
  /** Imported packages and built-in modules of Bun and Node. */
  packages: Schema.optional(Schema.Array(Schema.String)),
})
export type PlanSource = typeof PlanSource.Type

const codecFields = {
  codec: Schema.String,
  /** The codec's options. */
  codecOptions: Schema.Json,
  maxLineBytes: Schema.Int,
  modelFormat: Schema.String,
  models: Schema.Array(Schema.String),
  /** The model of spawns that name none. */
  defaultModel: Schema.optional(Schema.String),
}

/** A driver whose agent is a command. */
export const PlanProcessDriver = Schema.Struct({
  name: Schema.String,
  type: Schema.Literal("process"),
  /** Absolute path of the executable, resolved at submit. */
  command: Schema.String,
  args: Schema.Array(Schema.String),
  /** Names of the environment variables that the driver sets. Their values are never written to disk. */
  env: Schema.Array(Schema.String),
  cwd: Schema.optional(Schema.String),
  /** Seconds between SIGTERM and SIGKILL for an agent. */
  cancelGrace: Schema.Finite,
  ...codecFields,
})
export type PlanProcessDriver = typeof PlanProcessDriver.Type

/** A driver whose agent is an HTTP API. */
export const PlanHttpDriver = Schema.Struct({
  name: Schema.String,
  type: Schema.Literal("http"),
  /** The URL that requests are sent to. */
  url: Schema.String,
  /** Names of the headers that the configuration adds. The plan never holds their values. */
  headers: Schema.Array(Schema.String),
  /** Headers whose values come from environment variables. Their values are never written to disk. */
  keys: Schema.Array(SecretHeader),
  /** Timeout of a spawn in seconds. */
  timeout: Schema.optional(Schema.Finite),
  maxRetries: Schema.Int,
  ...codecFields,
})
export type PlanHttpDriver = typeof PlanHttpDriver.Type

export const PlanDriver = Schema.Union([PlanProcessDriver, PlanHttpDriver])
export type PlanDriver = typeof PlanDriver.Type

/** Runs the program as an ordinary process. */
export const PlanDirectExecutor = Schema.Struct({ name: Schema.String, type: Schema.Literal("direct") })

/** Runs the program in a sandbox. */
export const PlanVmExecutor = Schema.Struct({
  name: Schema.String,
  type: Schema.Literal("vm"),
  runtime: SandboxRuntime,
  /** Absolute path of the runtime's executable, resolved at submit. */
  command: Schema.String,
  image: Schema.optional(Schema.String),
  /** Names of environment variables passed through from the submitter. Their values are never written to disk. */
  env: Schema.Array(Schema.String),
  /** Names of the environment variables that the configuration sets. */
  setEnv: Schema.Array(Schema.String),
  /** Absolute paths that the program may read besides its own sources. */
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
  /** The names of the extension's functions. */
  api: Schema.Array(Schema.String),
})
export type PlanExtension = typeof PlanExtension.Type

/** The parts that differ between runs of the same plan. */
export const Invocation = Schema.Struct({
  runId: RunId,
  /** The working directory of the submitter, the program and the agents. */
  cwd: Schema.String,
  args: Schema.Array(Schema.String),
  metadata: Schema.Record(Schema.String, Schema.String),
  /** Number of runs that this run is nested in. */
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
  /** The configuration and what it imports, the configuration first; empty without a configuration. */
  config: Schema.Array(PlanSource),
  driver: PlanDriver,
  executor: PlanExecutor,
  extensions: Schema.Array(PlanExtension),
  /** The configuration's instructions for authors of programs. */
  authoring: Schema.optional(Schema.String),
  limits: Schema.Struct({
    maxRunDepth: Schema.Int,
    /** Seconds between SIGTERM and SIGKILL for the program, and for processes that an agent leaves behind. */
    cancelGrace: Schema.Finite,
  }),
}

/** The part of a plan that `planId` is the hash of. */
export const PlanContent = Schema.Struct(content)
export type PlanContent = typeof PlanContent.Type

/** A plan before it has an invocation. */
export const DraftPlan = Schema.Struct({ planId: Schema.String, ...content })
export type DraftPlan = typeof DraftPlan.Type

export const Plan = Schema.Struct({ ...DraftPlan.fields, invocation: Invocation })
export type Plan = typeof Plan.Type
