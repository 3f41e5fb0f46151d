/** The default export of `mill.config.ts`. Unknown keys are errors. */
import { Predicate, Schema } from "effect"
import type { Codec } from "./driver.schema.ts"
import { ExtensionConfig } from "./extension.schema.ts"
import { HttpDriverConfig, VariableName } from "./http-config.schema.ts"

/** Default length, in bytes, of the longest line that a driver passes to its codec. */
export const defaultMaxLineBytes = 16 * 1024 * 1024

/** Default number of levels that runs may be nested. */
export const defaultMaxRunDepth = 1

/** Default seconds between SIGTERM and SIGKILL. */
export const defaultCancelGrace = 5

const Seconds = Schema.Finite.check(
  Schema.isBetween({ minimum: 0, maximum: 3600 }, { expected: "a number of seconds from 0 to 3600" }),
)

const isCodec = (value: unknown): value is Codec =>
  Predicate.isObject(value) && Predicate.isFunction(value["encodeSpawn"]) && "decoding" in value

const CodecValue = Schema.declare<Codec>(isCodec, {
  expected: "a command codec, such as claudeCodec()",
})

/** An agent that is a command. Each spawn starts a new process in its own process group. */
export const ProcessDriverConfig = Schema.Struct({
  type: Schema.Literal("process"),
  /** What the driver is for. `mill --help --json` shows it to authors of programs. */
  description: Schema.optional(Schema.String),
  /** A name on PATH, or a path. Never a shell command line. */
  command: Schema.NonEmptyString,
  args: Schema.optional(Schema.Array(Schema.String)),
  codec: CodecValue,
  /** The model of spawns that name none. Default: the agent's own. */
  defaultModel: Schema.optional(Schema.NonEmptyString),
  /** Added to the environment that the agent inherits. */
  env: Schema.optional(Schema.Record(Schema.String, Schema.String)),
  /** The agent's working directory. Default: the submitter's. */
  cwd: Schema.optional(Schema.NonEmptyString),
  maxLineBytes: Schema.optional(Schema.Int.check(Schema.isGreaterThan(0))),
  /** Seconds between SIGTERM and SIGKILL for this agent. Default: the configuration's `cancelGrace`. */
  cancelGrace: Schema.optional(Seconds),
})
export type ProcessDriverConfig = typeof ProcessDriverConfig.Type

/** How a spawn reaches its agent: through a command or an HTTP API. */
export const DriverConfig = Schema.Union([ProcessDriverConfig, HttpDriverConfig]).annotate({
  expected: "a driver; create it with processDriver or httpDriver",
})
export type DriverConfig = typeof DriverConfig.Type

/** Runs the program as an ordinary process, with the submitter's permissions. */
export const DirectExecutorConfig = Schema.Struct({ type: Schema.Literal("direct") })
export type DirectExecutorConfig = typeof DirectExecutorConfig.Type

/** The runtime that a `vm` executor uses for its sandbox. */
export const SandboxRuntime = Schema.Literals(["bubblewrap", "docker", "podman"])
export type SandboxRuntime = typeof SandboxRuntime.Type

const Positive = Schema.Int.check(Schema.isGreaterThan(0))

/** Runs the program in a sandbox, where it sees its own sources and reaches only `mill`. */
export const VmExecutorConfig = Schema.Struct({
  type: Schema.Literal("vm"),
  /** Default: bubblewrap. */
  runtime: Schema.optional(SandboxRuntime),
  /** The runtime's executable: a name on PATH, or a path. Default: the runtime's own name. */
  command: Schema.optional(Schema.NonEmptyString),
  /** The image for docker or podman, which require one. The pattern keeps flags out. */
  image: Schema.optional(Schema.String.check(Schema.isPattern(/^[a-z0-9]/, { expected: "an image name" }))),
  /** Names of environment variables to pass through from the submitter. */
  env: Schema.optional(Schema.Array(VariableName)),
  /** Environment variables to set. */
  setEnv: Schema.optional(Schema.Record(VariableName, Schema.String)),
  /** Additional files and folders that the program may read. */
  readable: Schema.optional(Schema.Array(Schema.NonEmptyString)),
  /** Memory limit in MiB. */
  memory: Schema.optional(Positive),
  /** Maximum number of processes at a time. */
  processes: Schema.optional(Positive),
})
export type VmExecutorConfig = typeof VmExecutorConfig.Type

/** Where programs run. */
export const ExecutorConfig = Schema.Union([DirectExecutorConfig, VmExecutorConfig]).annotate({
  expected: "an executor; create it with directExecutor or vmExecutor",
})
export type ExecutorConfig = typeof ExecutorConfig.Type

/** Drivers and executors that exist without a configuration. */
export const builtInDrivers = ["claude", "pi", "codex", "offline"] as const
export const builtInExecutors = ["direct", "vm"] as const

export const Authoring = Schema.Struct({ instructions: Schema.optional(Schema.String) })

export const MillConfig = Schema.Struct({
  defaultDriver: Schema.optional(Schema.NonEmptyString),
  defaultExecutor: Schema.optional(Schema.NonEmptyString),
  drivers: Schema.optional(Schema.Record(Schema.String, DriverConfig)),
  executors: Schema.optional(Schema.Record(Schema.String, ExecutorConfig)),
  /** Shown to authors of programs by `mill --help` and the skill file. */
  authoring: Schema.optional(Authoring),
  extensions: Schema.optional(Schema.Array(ExtensionConfig)),
  /** Whether `mill run` shows the program and asks for confirmation in a terminal. Default: true. */
  confirm: Schema.optional(Schema.Boolean),
  /** Seconds between SIGTERM and SIGKILL. Default: 5. */
  cancelGrace: Schema.optional(Seconds),
  /** How many levels deep runs may be nested. Default: 1. */
  maxRunDepth: Schema.optional(Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))),
})
export type MillConfig = typeof MillConfig.Type
