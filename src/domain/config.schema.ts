/**
 * The shape of `mill.config.ts`'s default export. Every key is known here: an unknown one is an error.
 */
import { Schema } from "effect"
import type { Codec } from "./driver.schema.ts"
import { ExtensionConfig } from "./extension.schema.ts"
import { HttpDriverConfig } from "./http-config.schema.ts"

/** The longest line, in bytes, that a driver hands to its codec when the configuration says nothing. */
export const defaultMaxLineBytes = 16 * 1024 * 1024

/** The levels of runs inside a run, when the configuration says nothing. */
export const defaultMaxRunDepth = 1

/** The grace period when the configuration says nothing, in seconds. */
export const defaultCancelGrace = 5

const Seconds = Schema.Finite.check(
  Schema.isBetween({ minimum: 0, maximum: 3600 }, { expected: "a number of seconds from 0 to 3600" }),
)

const isCodec = (value: unknown): value is Codec =>
  typeof value === "object" &&
  value !== null &&
  "encodeSpawn" in value &&
  typeof value.encodeSpawn === "function" &&
  "decoding" in value

const CodecValue = Schema.declare<Codec>(isCodec, {
  expected: "a codec of a command, such as claudeCodec()",
})

/** An agent that is a command: started once for each spawn, in a process group of its own. */
export const ProcessDriverConfig = Schema.Struct({
  type: Schema.Literal("process"),
  /** What it is for, told to whoever writes programs. */
  description: Schema.optional(Schema.String),
  /** A name to be found on PATH, or a path. Never a shell line. */
  command: Schema.NonEmptyString,
  args: Schema.optional(Schema.Array(Schema.String)),
  codec: CodecValue,
  /** Added to the environment that the agent inherits. */
  env: Schema.optional(Schema.Record(Schema.String, Schema.String)),
  /** The agent's working directory; the submitter's when absent. */
  cwd: Schema.optional(Schema.NonEmptyString),
  maxLineBytes: Schema.optional(Schema.Int.check(Schema.isGreaterThan(0))),
  /** Seconds that this agent may take to end after SIGTERM, before SIGKILL; the configuration's when absent. */
  cancelGrace: Schema.optional(Seconds),
})
export type ProcessDriverConfig = typeof ProcessDriverConfig.Type

/** How a spawn reaches an agent: a command, or an HTTP API. */
export const DriverConfig = Schema.Union([ProcessDriverConfig, HttpDriverConfig]).annotate({
  expected: "a driver; create it with processDriver or httpDriver",
})
export type DriverConfig = typeof DriverConfig.Type

/** The program runs as a process like any other, with the submitter's rights. */
export const DirectExecutorConfig = Schema.Struct({ type: Schema.Literal("direct") })
export type DirectExecutorConfig = typeof DirectExecutorConfig.Type

/** What makes the sandbox of a `vm` executor. */
export const SandboxRuntime = Schema.Literals(["bubblewrap", "docker", "podman"])
export type SandboxRuntime = typeof SandboxRuntime.Type

const VariableName = Schema.String.check(
  Schema.isPattern(/^[A-Za-z_]\w*$/, { expected: "the name of an environment variable" }),
)
const Positive = Schema.Int.check(Schema.isGreaterThan(0))

/** The program runs in a sandbox: it sees its own sources, and reaches nothing but `mill`. */
export const VmExecutorConfig = Schema.Struct({
  type: Schema.Literal("vm"),
  /** bubblewrap when absent. */
  runtime: Schema.optional(SandboxRuntime),
  /** The runtime's executable: a name to be found on PATH, or a path; the runtime's own name when absent. */
  command: Schema.optional(Schema.NonEmptyString),
  /** What docker and podman start; they need one. It is no flag, so it begins as names of images do. */
  image: Schema.optional(
    Schema.String.check(Schema.isPattern(/^[a-z0-9]/, { expected: "the name of an image" })),
  ),
  /** Names of variables of the submitter's that the program finds in its environment. */
  env: Schema.optional(Schema.Array(VariableName)),
  /** More variables, with their values. */
  setEnv: Schema.optional(Schema.Record(VariableName, Schema.String)),
  /** More files and folders that the program may read. */
  readable: Schema.optional(Schema.Array(Schema.NonEmptyString)),
  /** The most memory, in MiB. */
  memory: Schema.optional(Positive),
  /** The most processes at a time. */
  processes: Schema.optional(Positive),
})
export type VmExecutorConfig = typeof VmExecutorConfig.Type

/** Where programs run. */
export const ExecutorConfig = Schema.Union([DirectExecutorConfig, VmExecutorConfig]).annotate({
  expected: "an executor; create it with directExecutor or vmExecutor",
})
export type ExecutorConfig = typeof ExecutorConfig.Type

/** Drivers and executors that are there without a configuration. */
export const builtInDrivers = ["claude", "pi", "codex", "offline"] as const
export const builtInExecutors = ["direct", "vm"] as const

export const Authoring = Schema.Struct({ instructions: Schema.optional(Schema.String) })

export const MillConfig = Schema.Struct({
  defaultDriver: Schema.optional(Schema.NonEmptyString),
  defaultExecutor: Schema.optional(Schema.NonEmptyString),
  drivers: Schema.optional(Schema.Record(Schema.String, DriverConfig)),
  executors: Schema.optional(Schema.Record(Schema.String, ExecutorConfig)),
  /** Told to whoever writes programs, by `mill --help` and the skill file. */
  authoring: Schema.optional(Authoring),
  extensions: Schema.optional(Schema.Array(ExtensionConfig)),
  /** Whether `mill run` shows the program in a terminal and asks: true when absent. */
  confirm: Schema.optional(Schema.Boolean),
  /** Seconds that processes may take to end after SIGTERM, before SIGKILL: 5 when absent. */
  cancelGrace: Schema.optional(Seconds),
  /** How many levels of runs may be started inside a run: 1 when absent. */
  maxRunDepth: Schema.optional(Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))),
})
export type MillConfig = typeof MillConfig.Type
