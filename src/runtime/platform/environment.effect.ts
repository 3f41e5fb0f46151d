/** Reads what the surroundings say, once; nothing else below the command line does. */
import { Effect, Layer, Option, Path, Redacted, Schema } from "effect"
import { UsageError } from "../../domain/error.schema.ts"
import { RunId, SpawnId } from "../../domain/ids.schema.ts"
import { Secrets } from "../../internal/config/secrets.effect.ts"
import { type ConfigValue, type ParentRun, Settings } from "../../internal/config/settings.effect.ts"
import { commandsOf } from "./commands.ts"
import packageJson from "../../../package.json" with { type: "json" }

/** What a command line may say instead of the environment. */
export type Overrides = {
  readonly runsDir?: string | undefined
  readonly cwd?: string | undefined
  readonly configValues?: ReadonlyArray<ConfigValue> | undefined
}

/** The version of this mill. */
export const millVersion: string = packageJson.version

const decodeRunId = Schema.decodeUnknownOption(RunId)
const decodeSpawnId = Schema.decodeUnknownOption(SpawnId)

const parentOf = (env: typeof process.env): ParentRun | undefined => {
  const runId = Option.getOrUndefined(decodeRunId(env["MILL_RUN_ID"]))
  if (runId === undefined) return undefined
  const spawnId = Option.getOrUndefined(decodeSpawnId(env["MILL_SPAWN_ID"]))
  const depth = Number(env["MILL_RUN_DEPTH"] ?? 0)
  return {
    runId,
    depth: Number.isSafeInteger(depth) && depth >= 0 ? depth : 0,
    ...(spawnId === undefined ? {} : { spawnId }),
  }
}

/** Sockets lie in the user's runtime folder, else in a private one among the temporary files. */
const socketDirOf = (env: typeof process.env): string => {
  const runtimeDir = env["XDG_RUNTIME_DIR"]
  if (runtimeDir !== undefined && runtimeDir !== "" && runtimeDir.length < 60) return `${runtimeDir}/mill`
  return `/tmp/mill-${process.getuid?.() ?? 0}`
}

const workingDirectory = Effect.try({
  try: () => process.cwd(),
  catch: () =>
    new UsageError({ message: "the working directory is not there any more", hint: "go to one that is" }),
})

/** The absolute path of the folder where programs and agents work. */
export const workingDirectoryOf = Effect.fnUntraced(function* ({ cwd }: Overrides) {
  const { isAbsolute, resolve } = yield* Path.Path
  if (cwd !== undefined && isAbsolute(cwd)) return resolve(cwd)
  const here = yield* workingDirectory
  return cwd === undefined ? here : resolve(here, cwd)
})

/** What a process that is started inherits, as it is at that moment. */
export const inheritedEnvironment = () => process.env

export const layer = (overrides: Overrides) =>
  Layer.effect(
    Settings,
    Effect.gen(function* () {
      const { env } = process
      const { resolve } = yield* Path.Path
      const cwd = yield* workingDirectoryOf(overrides)
      const absolute = (path: string) => resolve(cwd, path)
      // Set to nothing is not set. MILL_RUNS_DIR is what a run hands on to the runs inside it.
      const userHome = env["HOME"] || undefined
      const home = env["MILL_HOME"] || (userHome === undefined ? undefined : `${userHome}/.mill`)
      const millHome = home === undefined ? undefined : absolute(home)
      const runsDir =
        overrides.runsDir || env["MILL_RUNS_DIR"] || (millHome === undefined ? undefined : `${millHome}/runs`)
      if (runsDir === undefined) {
        return yield* new UsageError({
          message: "there is no place for runs: neither HOME nor MILL_HOME is set",
          hint: "name one with --runs-dir <folder>",
        })
      }
      const parent = parentOf(env)
      const { configValues } = overrides
      const cacheDir = millHome === undefined ? `${absolute(runsDir)}/.cache` : `${millHome}/cache`
      return Settings.of({
        cwd,
        ...(userHome === undefined ? {} : { userHome }),
        ...(millHome === undefined ? {} : { millHome }),
        runsDir: absolute(runsDir),
        socketDir: socketDirOf(env),
        searchPath: env["PATH"] ?? "",
        environment: Object.fromEntries(
          Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
        ),
        cacheDir,
        ...commandsOf(cacheDir),
        millVersion,
        bunVersion: process.versions.bun,
        pid: process.pid,
        userId: process.getuid?.() ?? 0,
        groupId: process.getgid?.() ?? 0,
        ...(parent === undefined ? {} : { parent }),
        ...(configValues === undefined ? {} : { configValues }),
      })
    }),
  )

/** Values of the environment that a configuration names, each looked up when it is needed. */
export const secretsLayer = Layer.succeed(
  Secrets,
  Secrets.of({
    read: (name) => {
      const value = process.env[name]?.trim() ?? ""
      return value === "" ? undefined : Redacted.make(value, { label: name })
    },
  }),
)
