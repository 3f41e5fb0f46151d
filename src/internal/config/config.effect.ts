/** Finds, evaluates and decodes the configuration of a working directory. */
import { Effect, Path, Record } from "effect"
import type { DriverConfig, ExecutorConfig, MillConfig } from "../../domain/config.schema.ts"
import { ConfigError } from "../../domain/error.schema.ts"
import { type GraphFile, SourceCompiler } from "../sources/source-compiler.effect.ts"
import { decodeConfig } from "./decode-config.ts"
import { GivenConfig, renderSource, restoreValues } from "./config-object.effect.ts"
import { ConfigLoader, type ConfigSource } from "./config-loader.effect.ts"
import { findConfig } from "./config-lookup.effect.ts"
import { Settings } from "./settings.effect.ts"

/** Modules that mill provides to a configuration; `effect` only where the configuration's folder has none. */
const providedModules: ReadonlyArray<string> = ["@mill/core", "effect"]

/** A configuration and its sources, its own file first; without a configuration file there are no sources. */
export type LoadedConfig = { readonly config: MillConfig; readonly sources: ReadonlyArray<GraphFile> }

/** A configuration with its paths made absolute, from `folder`. */
const resolvePaths = Effect.fnUntraced(function* (config: MillConfig, folder: string) {
  const { resolve } = yield* Path.Path
  const resolvePath = (path: string) => resolve(folder, path)
  // A name without a slash is looked up on PATH.
  const resolveCommand = (command: string) => (command.includes("/") ? resolvePath(command) : command)
  const resolveDriver = (driver: DriverConfig): DriverConfig =>
    driver.type === "http"
      ? driver
      : {
          ...driver,
          command: resolveCommand(driver.command),
          cwd: driver.cwd === undefined ? undefined : resolvePath(driver.cwd),
        }
  const resolveExecutor = (executor: ExecutorConfig): ExecutorConfig =>
    executor.type === "direct"
      ? executor
      : {
          ...executor,
          command: executor.command === undefined ? undefined : resolveCommand(executor.command),
          readable: executor.readable?.map(resolvePath),
        }
  return {
    ...config,
    drivers: Record.map(config.drivers ?? {}, resolveDriver),
    executors: Record.map(config.executors ?? {}, resolveExecutor),
  } satisfies MillConfig
})

/** A configuration that a script passes as an object. Paths in it are relative to `cwd`. */
export const acceptObject = Effect.fn("Config.acceptObject")(function* (value: unknown, cwd: string) {
  const config = yield* Effect.mapError(
    Effect.fromResult(decodeConfig(value, "config")),
    ({ hint, key, message }) =>
      new ConfigError({ key, hint, message: key === undefined ? message : `config: ${message}` }),
  )
  const rendered = yield* renderSource(config, cwd)
  return { _tag: "Object" as const, config: yield* resolvePaths(config, cwd), ...rendered }
})

/** How long evaluating a configuration may take: every command waits for it. */
const evaluationDeadline = "10 seconds"

/** Evaluates and decodes a configuration from its sources. */
export const evaluateConfig = Effect.fn("Config.evaluate")(function* (
  sources: readonly [ConfigSource, ...ReadonlyArray<ConfigSource>],
) {
  const loader = yield* ConfigLoader
  const { path } = sources[0]
  const { configValues = [] } = yield* Settings
  const evaluated = yield* loader.evaluate(sources).pipe(
    Effect.timeoutOrElse({
      duration: evaluationDeadline,
      orElse: () =>
        new ConfigError({ path, message: `${path}: evaluation took longer than ${evaluationDeadline}` }),
    }),
  )
  const value = restoreValues(evaluated, configValues)
  if (value === undefined) {
    return yield* new ConfigError({
      path,
      message: `${path} has no default export`,
      hint: "end the file with: export default defineConfig({ … })",
    })
  }
  const config = yield* Effect.mapError(
    Effect.fromResult(decodeConfig(value)),
    ({ message, ...problem }) => new ConfigError({ path, ...problem, message: `${path}: ${message}` }),
  )
  return yield* resolvePaths(config, (yield* Path.Path).dirname(path))
})

/** Adds the configuration file's path to errors about one of its keys. */
export const nameFile = ({ sources }: LoadedConfig) =>
  Effect.mapError((error: ConfigError) => {
    const { hint, key, message } = error
    const [source] = sources
    if (key === undefined || source === undefined) return error
    const { generated = false, path } = source
    return new ConfigError({
      path: generated ? undefined : path,
      key,
      message: `${generated ? "config" : path}: ${key}: ${message}`,
      hint,
    })
  })

export const noConfig: LoadedConfig = { config: {}, sources: [] }

/** The configuration at `path` (absolute). */
export const loadConfigAt = Effect.fn("Config.loadAt")(function* (path: string) {
  const compiler = yield* SourceCompiler
  const { prepare } = yield* ConfigLoader
  const readGraph = compiler
    .graph(path, { provided: providedModules, asProgram: false })
    .pipe(
      Effect.mapError(
        ({ location, message }) => new ConfigError({ path, message: `${location ?? path}: ${message}` }),
      ),
    )
  // Bun builds the graph in its own threads.
  const [graph] = yield* Effect.all([readGraph, prepare], { concurrency: "unbounded" })
  const [entry, ...others] = graph
  if (entry === undefined) return noConfig
  const config = yield* evaluateConfig([entry, ...others])
  return { config, sources: graph } satisfies LoadedConfig
})

/** The configuration that this process was given, or that applies to the working directory, or an empty one. */
export const loadConfig = Effect.fn("Config.load")(function* () {
  const given = yield* GivenConfig
  if (given?._tag === "Object") {
    return { config: given.config, sources: [given.source] } satisfies LoadedConfig
  }
  const path = given?.path ?? (yield* findConfig())
  return path === undefined ? noConfig : yield* loadConfigAt(path)
})
