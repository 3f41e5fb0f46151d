/** The settings of a mill process: its environment, folders and commands, read once when the process starts. */
import { Context, Schema } from "effect"
import { RunId, SpawnId } from "../../domain/ids.schema.ts"

/** The run that this process was started in, if an agent or a program called mill. */
export const ParentRun = Schema.Struct({
  runId: RunId,
  spawnId: Schema.optional(SpawnId),
  depth: Schema.Int,
})
export type ParentRun = typeof ParentRun.Type

/** A value of a configuration object that is not written to disk, and the keys that lead to it. */
export const ConfigValue = Schema.Struct({ path: Schema.Array(Schema.String), value: Schema.String })
export type ConfigValue = typeof ConfigValue.Type

/** The JSON in which a run's worker gets these values on its standard input. */
export const ConfigValues = Schema.fromJsonString(Schema.Array(ConfigValue))

/** Paths are absolute. */
export const SettingsData = Schema.Struct({
  cwd: Schema.String,
  /** The user's home folder, if known. */
  userHome: Schema.optional(Schema.String),
  /** `$MILL_HOME`, by default `~/.mill`. */
  millHome: Schema.optional(Schema.String),
  /** The store: `--runs-dir`, by default `$MILL_HOME/runs`. */
  runsDir: Schema.String,
  /** A short private folder for sockets: their paths are limited to about 100 bytes. */
  socketDir: Schema.String,
  searchPath: Schema.String,
  /** The whole environment, from which child processes get their part. */
  environment: Schema.Record(Schema.String, Schema.String),
  /** Where mill keeps files that it can make again. */
  cacheDir: Schema.String,
  /** Starts this mill again: an executable and its first arguments. */
  self: Schema.Struct({ command: Schema.String, args: Schema.Array(Schema.String) }),
  /** Runs a Bun script: an executable, its first arguments, and additions to its environment. */
  bun: Schema.Struct({
    command: Schema.String,
    args: Schema.Array(Schema.String),
    env: Schema.Record(Schema.String, Schema.String),
  }),
  /** The path of the program host's script. */
  hostScript: Schema.String,
  /** Values that the generated source of a configuration object leaves out. */
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
