/**
 * What mill was told by its surroundings, read once at the start of a process and handed down: nothing else reads the
 * environment.
 */
import { Context, Schema } from "effect"
import { RunId, SpawnId } from "../../domain/ids.schema.ts"

/** The run that this process was started in, when an agent or a program calls mill. */
export const ParentRun = Schema.Struct({
  runId: RunId,
  spawnId: Schema.optional(SpawnId),
  depth: Schema.Int,
})
export type ParentRun = typeof ParentRun.Type

/** An executable, its first arguments, and what is added to its environment. */
const Command = Schema.Struct({
  command: Schema.String,
  args: Schema.Array(Schema.String),
  env: Schema.Record(Schema.String, Schema.String),
})

/** A value of a configuration that is written nowhere, and the keys that lead to it. */
export const ConfigValue = Schema.Struct({ path: Schema.Array(Schema.String), value: Schema.String })
export type ConfigValue = typeof ConfigValue.Type

/** How such values are handed on to a run's worker: on its standard input. */
export const ConfigValues = Schema.fromJsonString(Schema.Array(ConfigValue))

/** The surroundings of a mill process. Paths are absolute. */
export const SettingsData = Schema.Struct({
  cwd: Schema.String,
  /** The user's home folder, where there is one. */
  userHome: Schema.optional(Schema.String),
  /** `$MILL_HOME`, by default `~/.mill`. */
  millHome: Schema.optional(Schema.String),
  /** The store: `$MILL_HOME/runs`, or what `--runs-dir` says. */
  runsDir: Schema.String,
  /** A short private folder for sockets, whose paths may have about 100 bytes. */
  socketDir: Schema.String,
  searchPath: Schema.String,
  /** The environment as it is, for those who are let see a part of it. */
  environment: Schema.Record(Schema.String, Schema.String),
  /** Where mill keeps what it can make again. */
  cacheDir: Schema.String,
  /** How this mill is started again, for what evaluates no code of the user's: an executable and its first arguments. */
  self: Schema.Struct({ command: Schema.String, args: Schema.Array(Schema.String) }),
  /** How the worker of a run that this process has submitted is started. */
  worker: Command,
  /** How a Bun script is run, and the program host's own script. */
  bun: Command,
  hostScript: Schema.String,
  /** What the configuration's generated text leaves out. */
  configValues: Schema.optional(Schema.Array(ConfigValue)),
  parent: Schema.optional(ParentRun),
  millVersion: Schema.String,
  bunVersion: Schema.String,
  pid: Schema.Int,
  userId: Schema.Int,
  groupId: Schema.Int,
})

export class Settings extends Context.Service<Settings, typeof SettingsData.Type>()(
  "mill/internal/Settings",
) {}
