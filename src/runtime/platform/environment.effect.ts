/** Reads the process's environment, working directory and ids into `Settings`, once. Secrets are read when they are used. */
import { Effect, Layer, Option, Path, Redacted, Schema } from "effect"
import { UsageError } from "../../domain/error.schema.ts"
import { RunId, SpawnId } from "../../domain/ids.schema.ts"
import { runMarks } from "../../domain/run-marks.ts"
import { Secrets } from "../../internal/config/secrets.effect.ts"
import { type ConfigValue, type ParentRun, Settings } from "../../internal/config/settings.effect.ts"
import { resolveCommands } from "./commands.ts"
import packageJson from "../../../package.json" with { type: "json" }

export type EnvironmentOverrides = {
  readonly runsDir?: string | undefined
  readonly cwd?: string | undefined
  readonly configValues?: ReadonlyArray<ConfigValue> | undefined
}

export const millVersion: string = packageJson.version

const decodeRunId = Schema.decodeUnknownOption(RunId)
const decodeSpawnId = Schema.decodeUnknownOption(SpawnId)

const readParent = (env: typeof process.env): ParentRun | undefined => {
  const runId = Option.getOrUndefined(decodeRunId(env[runMarks.runId]))
  if (runId === undefined) return undefined
  const spawnId = Option.getOrUndefined(decodeSpawnId(env[runMarks.spawnId]))
  const depth = Number(env[runMarks.depth] ?? 0)
  return {
    runId,
    depth: Number.isSafeInteger(depth) && depth >= 0 ? depth : 0,
    spawnId,
  }
}

/** Chooses the folder for sockets: the user's runtime folder, or else a private one among the temporary files. */
const chooseSocketDir = (env: typeof process.env): string => {
  const runtimeDir = env["XDG_RUNTIME_DIR"]
  if (runtimeDir !== undefined && runtimeDir !== "" && runtimeDir.length < 60) return `${runtimeDir}/mill`
  return `/tmp/mill-${process.getuid?.() ?? 0}`
}

const readWorkingDirectory = Effect.try({
  try: () => process.cwd(),
  catch: () =>
    new UsageError({
      message: "the working directory no longer exists",
      hint: "change to another directory",
    }),
})

/** Resolves the absolute path of the directory in which programs and agents work. */
export const resolveWorkingDirectory = Effect.fnUntraced(function* ({ cwd }: EnvironmentOverrides) {
  const { isAbsolute, resolve } = yield* Path.Path
  if (cwd !== undefined && isAbsolute(cwd)) return resolve(cwd)
  const here = yield* readWorkingDirectory
  return cwd === undefined ? here : resolve(here, cwd)
})

/** Reads the environment that a child process inherits, as it is now. */
export const readEnvironment = () => process.env

export const layer = (overrides: EnvironmentOverrides) =>
  Layer.effect(
    Settings,
    Effect.gen(function* () {
      const { env } = process
      const { resolve } = yield* Path.Path
      const cwd = yield* resolveWorkingDirectory(overrides)
      const makeAbsolute = (path: string) => resolve(cwd, path)
      // An empty variable counts as unset. A run passes MILL_RUNS_DIR on to the runs inside it.
      const userHome = env["HOME"] || undefined
      const home = env["MILL_HOME"] || (userHome === undefined ? undefined : `${userHome}/.mill`)
      const millHome = home === undefined ? undefined : makeAbsolute(home)
      const runsDir =
        overrides.runsDir || env["MILL_RUNS_DIR"] || (millHome === undefined ? undefined : `${millHome}/runs`)
      if (runsDir === undefined) {
        return yield* new UsageError({
          message: "no directory for runs: neither HOME nor MILL_HOME is set",
          hint: "set one with --runs-dir <directory>",
        })
      }
      const cacheDir = millHome === undefined ? `${makeAbsolute(runsDir)}/.cache` : `${millHome}/cache`
      return Settings.of({
        cwd,
        userHome,
        millHome,
        runsDir: makeAbsolute(runsDir),
        socketDir: chooseSocketDir(env),
        searchPath: env["PATH"] ?? "",
        environment: Object.fromEntries(
          Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
        ),
        cacheDir,
        ...resolveCommands(cacheDir),
        millVersion,
        bunVersion: process.versions.bun,
        pid: process.pid,
        userId: process.getuid?.() ?? 0,
        groupId: process.getgid?.() ?? 0,
        parent: readParent(env),
        configValues: overrides.configValues,
      })
    }),
  )

/** The environment variables that a configuration names as secrets, each read when it is needed. */
export const secretsLayer = Layer.succeed(
  Secrets,
  Secrets.of({
    read: (name) => {
      const value = process.env[name]?.trim() ?? ""
      return value === "" ? undefined : Redacted.make(value, { label: name })
    },
  }),
)
