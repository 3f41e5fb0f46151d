/** The configuration of a working directory: found, evaluated, decoded. */
import { Effect, Path, Schema } from "effect"
import { type DriverConfig, type ExecutorConfig, MillConfig } from "../../domain/config.schema.ts"
import { ConfigError } from "../../domain/error.schema.ts"
import { type GraphFile, SourceCompiler } from "../plan/source-compiler.effect.ts"
import { configProblem } from "./config-issue.effect.ts"
import { ConfigLoader, type ConfigSource } from "./config-loader.effect.ts"
import { findConfig } from "./config-lookup.effect.ts"

/** Modules that mill itself gives to a configuration, `effect` where the configuration's folder has none of its own. */
export const providedModules: ReadonlyArray<string> = ["@mill/core", "effect"]

/** A configuration and what it was made of, its own file first; no sources when there is none. */
export type LoadedConfig = { readonly config: MillConfig; readonly sources: ReadonlyArray<GraphFile> }

/** What a driver says of paths is meant from the folder of its configuration. */
const fromFolder = Effect.fnUntraced(function* (folder: string, driver: DriverConfig) {
  if (driver.type === "http") return driver
  const { resolve } = yield* Path.Path
  const { command, cwd } = driver
  return {
    ...driver,
    command: command.includes("/") ? resolve(folder, command) : command,
    ...(cwd === undefined ? {} : { cwd: resolve(folder, cwd) }),
  } satisfies DriverConfig
})

/** So is what an executor says. */
const executorFromFolder = Effect.fnUntraced(function* (folder: string, executor: ExecutorConfig) {
  const { resolve } = yield* Path.Path
  if (executor.type === "direct") return executor
  const { command, readable } = executor
  return {
    ...executor,
    ...(command === undefined || !command.includes("/") ? {} : { command: resolve(folder, command) }),
    ...(readable === undefined ? {} : { readable: readable.map((path) => resolve(folder, path)) }),
  } satisfies ExecutorConfig
})

const decode = Schema.decodeUnknownEffect(MillConfig, { onExcessProperty: "error" })

/** How long evaluating a configuration may take: everything waits for it. */
const evaluationDeadline = "10 seconds"

/** The configuration that these sources give. */
export const evaluateConfig = Effect.fn("Config.evaluate")(function* (
  sources: readonly [ConfigSource, ...ReadonlyArray<ConfigSource>],
) {
  const loader = yield* ConfigLoader
  const { path } = sources[0]
  const value = yield* loader.evaluate(sources).pipe(
    Effect.timeoutOrElse({
      duration: evaluationDeadline,
      orElse: () =>
        new ConfigError({ path, message: `${path}: evaluating it takes longer than ${evaluationDeadline}` }),
    }),
  )
  if (value === undefined) {
    return yield* new ConfigError({
      path,
      message: `${path} has no default export`,
      hint: "end it with: export default defineConfig({ … })",
    })
  }
  const config = yield* decode(value).pipe(
    Effect.mapError((error) => {
      const { key, message, ...problem } = configProblem(value, error)
      return new ConfigError({
        path,
        message: `${path}: ${message}`,
        ...(key === "" ? {} : { key }),
        ...problem,
      })
    }),
  )
  const folder = (yield* Path.Path).dirname(path)
  const drivers: Record<string, DriverConfig> = {}
  for (const [name, driver] of Object.entries(config.drivers ?? {})) {
    drivers[name] = yield* fromFolder(folder, driver)
  }
  const executors: Record<string, ExecutorConfig> = {}
  for (const [name, executor] of Object.entries(config.executors ?? {})) {
    executors[name] = yield* executorFromFolder(folder, executor)
  }
  return { ...config, drivers, executors } satisfies MillConfig
})

/** An error that blames a key names also the file that the key stands in. */
export const namingFile = ({ sources }: LoadedConfig) =>
  Effect.mapError((error: ConfigError) => {
    const { hint, key, message } = error
    const path = sources[0]?.path
    if (key === undefined || path === undefined) return error
    return new ConfigError({
      path,
      key,
      message: `${path}: ${key}: ${message}`,
      ...(hint === undefined ? {} : { hint }),
    })
  })

const none: LoadedConfig = { config: {}, sources: [] }

/** The configuration at `path` (absolute). */
export const loadConfigAt = Effect.fn("Config.loadAt")(function* (path: string) {
  const compiler = yield* SourceCompiler
  const graph = yield* compiler
    .graph(path, { provided: providedModules, asProgram: false })
    .pipe(
      Effect.mapError(
        ({ location, message }) => new ConfigError({ path, message: `${location ?? path}: ${message}` }),
      ),
    )
  const [entry, ...others] = graph
  if (entry === undefined) return none
  const config = yield* evaluateConfig([entry, ...others])
  return { config, sources: graph } satisfies LoadedConfig
})

/** The configuration that counts in the working directory, or an empty one. */
export const loadConfig = Effect.fn("Config.load")(function* () {
  const path = yield* findConfig()
  return path === undefined ? none : yield* loadConfigAt(path)
})
