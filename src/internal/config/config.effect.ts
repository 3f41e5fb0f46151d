/** The configuration of a working directory: found, evaluated, decoded. */
import { Effect, Path } from "effect"
import type { DriverConfig, ExecutorConfig, MillConfig } from "../../domain/config.schema.ts"
import { ConfigError } from "../../domain/error.schema.ts"
import { type GraphFile, SourceCompiler } from "../sources/source-compiler.effect.ts"
import { decodeConfig } from "./config-issue.effect.ts"
import { GivenConfig, sourceOfObject, withValues } from "./config-object.effect.ts"
import { ConfigLoader, type ConfigSource } from "./config-loader.effect.ts"
import { findConfig } from "./config-lookup.effect.ts"
import { Settings } from "./settings.effect.ts"

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

/** A configuration whose paths are meant from `folder`. */
const placed = Effect.fnUntraced(function* (config: MillConfig, folder: string) {
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

/** What an object is that looks like an empty configuration and is none. */
const notPlain = (value: unknown): string | undefined => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined
  if ("then" in value) return "a promise, to be awaited first"
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null ? undefined : "an instance of a class"
}

/** A configuration that a script gives as an object, instead of one that would be looked for from `cwd`. */
export const givenObject = Effect.fn("Config.given")(
  function* (value: unknown, cwd: string) {
    const kind = notPlain(value)
    if (kind !== undefined) {
      return yield* new ConfigError({ message: `config: it is ${kind}; expected an object` })
    }
    const config = yield* Effect.fromResult(decodeConfig(value, "it")).pipe(
      Effect.mapError(
        ({ key, message, ...problem }) =>
          new ConfigError({ message: `config: ${message}`, ...(key === "" ? {} : { key }), ...problem }),
      ),
    )
    const { source, values } = yield* sourceOfObject(config, cwd)
    return { _tag: "Object" as const, config: yield* placed(config, cwd), source, values }
  },
  Effect.catchDefect(() =>
    Effect.fail(new ConfigError({ message: "config: its values cannot be read: reading one throws" })),
  ),
)

/** How long evaluating a configuration may take: everything waits for it. */
const evaluationDeadline = "10 seconds"

/** The configuration that these sources give. */
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
        new ConfigError({ path, message: `${path}: evaluating it takes longer than ${evaluationDeadline}` }),
    }),
  )
  const value = withValues(evaluated, configValues)
  if (value === undefined) {
    return yield* new ConfigError({
      path,
      message: `${path} has no default export`,
      hint: "end it with: export default defineConfig({ … })",
    })
  }
  const kind = notPlain(value)
  if (kind !== undefined) {
    return yield* new ConfigError({
      path,
      message: `${path}: the default export is ${kind}; expected an object`,
    })
  }
  // Getters and proxies are code, which may fail.
  const config = yield* Effect.suspend(() => Effect.fromResult(decodeConfig(value))).pipe(
    Effect.mapError(
      ({ key, message, ...problem }) =>
        new ConfigError({
          path,
          message: `${path}: ${message}`,
          ...(key === "" ? {} : { key }),
          ...problem,
        }),
    ),
    Effect.catchDefect(() =>
      Effect.fail(
        new ConfigError({ path, message: `${path}: its values cannot be read: reading one throws` }),
      ),
    ),
  )
  return yield* placed(config, (yield* Path.Path).dirname(path))
})

/** An error that blames a key names also the file that the key stands in. */
export const namingFile = ({ sources }: LoadedConfig) =>
  Effect.mapError((error: ConfigError) => {
    const { hint, key, message } = error
    const [source] = sources
    if (key === undefined || source === undefined) return error
    const { generated = false, path } = source
    return new ConfigError({
      ...(generated ? {} : { path }),
      key,
      message: `${generated ? "config" : path}: ${key}: ${message}`,
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

/** The configuration that this process was given, or that counts in the working directory, or an empty one. */
export const loadConfig = Effect.fn("Config.load")(function* () {
  const given = yield* GivenConfig
  if (given?._tag === "Object") {
    return { config: given.config, sources: [given.source] } satisfies LoadedConfig
  }
  const path = given?.path ?? (yield* findConfig())
  return path === undefined ? none : yield* loadConfigAt(path)
})
