/** The configuration of a working directory: found, evaluated, decoded. */
import { Effect, FileSystem, Schema } from "effect"
import { MillConfig } from "../../domain/config.schema.ts"
import { ConfigError } from "../../domain/error.schema.ts"
import { SourceCompiler } from "../plan/source-compiler.effect.ts"
import { configProblem } from "./config-issue.effect.ts"
import { ConfigLoader, type ConfigSource } from "./config-loader.effect.ts"
import { Settings } from "./settings.effect.ts"

/** Modules that mill itself gives to a configuration. */
export const providedModules: ReadonlyArray<string> = ["@mill/core"]

/** A configuration and what it was made of; no sources when there is none. */
export type LoadedConfig = { readonly config: MillConfig; readonly sources: ReadonlyArray<ConfigSource> }

const decode = Schema.decodeUnknownEffect(MillConfig, { onExcessProperty: "error" })

/** The configuration that these sources give. */
export const evaluateConfig = Effect.fn("Config.evaluate")(function* (
  sources: readonly [ConfigSource, ...ReadonlyArray<ConfigSource>],
) {
  const loader = yield* ConfigLoader
  const { path } = sources[0]
  const value = yield* loader.evaluate(sources)
  if (value === undefined) {
    return yield* new ConfigError({
      path,
      message: `${path} has no default export`,
      hint: "end it with: export default defineConfig({ … })",
    })
  }
  return yield* decode(value).pipe(
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

/** The configuration in the working directory, or an empty one. */
export const loadConfig = Effect.fn("Config.load")(function* () {
  const { cwd } = yield* Settings
  const fs = yield* FileSystem.FileSystem
  const compiler = yield* SourceCompiler
  const path = `${cwd}/mill.config.ts`
  const none: LoadedConfig = { config: {}, sources: [] }
  if (!(yield* Effect.orElseSucceed(fs.exists(path), () => false))) return none
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
