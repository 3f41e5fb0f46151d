/** Composes the layers of a mill process with an engine. */
import { Context, Effect, type FileSystem, Layer, Path, Semaphore } from "effect"
import { EngineSettings } from "../domain/engine.schema.ts"
import { ConfigError, LaunchError, UsageError } from "../domain/error.schema.ts"
import { acceptObject } from "../internal/config/config.effect.ts"
import { decodeUntrusted } from "../domain/untrusted.ts"
import { GivenConfig } from "../internal/config/config-object.effect.ts"
import { ConfigLoader } from "../internal/config/config-loader.effect.ts"
import type { Settings } from "../internal/config/settings.effect.ts"
import { pathExists } from "../internal/files/files.effect.ts"
import { IoHub } from "../internal/control/io-hub.effect.ts"
import { Engine } from "../internal/engine/engine.effect.ts"
import { LaunchPreparation } from "../internal/engine/launch.effect.ts"
import { TypeTexts } from "../internal/scaffold/type-texts.effect.ts"
import { RunStore } from "../internal/store/run-store.effect.ts"
import type * as LocalWorkerModule from "./local-worker.effect.ts"
import * as Acp from "./platform/acp.effect.ts"
import { artefact } from "./platform/artefact.ts"
import * as SourceCompiler from "./platform/source-compiler.effect.ts"
import * as Digest from "./platform/digest.effect.ts"
import * as Environment from "./platform/environment.effect.ts"
import { unpackScripts } from "./platform/executable.effect.ts"
import { installFrozenSources } from "./host/frozen-sources.ts"
import { loadLentModules } from "./bun/lent-package.ts"
import { refuseMissingPackages } from "./bun/user-code.ts"
import { importModule } from "./platform/module-loader.effect.ts"
import * as PlatformLayer from "./platform/platform.effect.ts"

/** What the package exports, for folders where it is not installed. */
export type Package = {
  /** Modules that a configuration can import by name without node_modules. */
  readonly modules: Effect.Effect<Readonly<Record<string, Record<string, unknown>>>>
  readonly types: TypeTexts["Service"]
}

/** Loads the module that starts workers in this process. */
type LoadLocalWorker = Effect.Effect<typeof LocalWorkerModule>

/** Makes runs of a configuration with functions part of this process. All other runs have processes of their own. */
const localWorker = (load: LoadLocalWorker | undefined) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const given = yield* GivenConfig
      if (load === undefined || given?._tag !== "Object" || !given.isLocal) return Layer.empty
      return (yield* load).layer
    }),
  )

/** The folder from which mill's own dependencies resolve; the executable has none. */
const home =
  artefact.form === "executable" ? undefined : artefact.host.slice(0, artefact.host.lastIndexOf("/"))

/** One evaluation at a time: the frozen sources replace these paths for the whole process. */
const evaluating = Semaphore.makeUnsafe(1)

const configLoader = (modules: Package["modules"]) =>
  Layer.succeed(
    ConfigLoader,
    ConfigLoader.of({
      prepare: Effect.asVoid(modules),
      evaluate: Effect.fn("ConfigLoader.evaluate")(function* (files) {
        const [{ path }] = files
        // Loaded before they are installed: afterwards mill itself would import the installed ones.
        const own = yield* modules
        const lent = yield* Effect.promise(() => loadLentModules(files, own["@mill/core"], home))
        const provided = { ...own, ...lent }
        yield* Effect.promise(() => refuseMissingPackages(files, provided))
        yield* Effect.sync(() => installFrozenSources(files, provided))
        const module = yield* importModule(path)
        return typeof module === "object" && module !== null && "default" in module
          ? module.default
          : undefined
      }, evaluating.withPermits(1)),
    }),
  )

/** Makes sure that the scripts of a run's processes exist. */
const launchPreparation = Layer.effect(
  LaunchPreparation,
  Effect.map(Effect.context<FileSystem.FileSystem | Settings>(), (context) =>
    Effect.gen(function* () {
      yield* unpackScripts
      if (artefact.form === "executable") return
      if (yield* pathExists(artefact.mill)) return
      return yield* new LaunchError({
        message: `cannot find mill's own script: ${artefact.mill}`,
        hint: "@mill/core cannot be bundled; import it from node_modules",
      })
    }).pipe(Effect.provideContext(context)),
  ),
)

/** All services of a mill process. */
export const layer = (
  options: Environment.EnvironmentOverrides & Package & { readonly loadLocalWorker?: LoadLocalWorker },
) =>
  Engine.layer.pipe(
    Layer.provideMerge(localWorker(options.loadLocalWorker)),
    Layer.provideMerge(Layer.mergeAll(RunStore.layer, IoHub.layer)),
    Layer.provideMerge(
      Layer.mergeAll(
        SourceCompiler.layer,
        Acp.layer,
        configLoader(options.modules),
        launchPreparation,
        Layer.succeed(TypeTexts, TypeTexts.of(options.types)),
        Environment.secretsLayer,
      ),
    ),
    Layer.provideMerge(Layer.mergeAll(Environment.layer(options), Digest.layer)),
    Layer.provideMerge(PlatformLayer.layer),
  )

const decodeOptions = decodeUntrusted(EngineSettings, { whole: "the argument" })

const checkOptions = (options: unknown) =>
  Effect.mapError(
    Effect.fromResult(decodeOptions(options)),
    ({ message, ...problem }) => new ConfigError({ ...problem, message: `createEngine: ${message}` }),
  )

/** The configuration in the options: an object, or the path of a file. */
const givenConfig = ({ config, ...options }: EngineSettings) =>
  Layer.effect(
    GivenConfig,
    Effect.gen(function* () {
      if (config === undefined) return undefined
      const cwd = yield* Environment.resolveWorkingDirectory(options)
      if (typeof config !== "string") return yield* acceptObject(config, cwd)
      return { _tag: "File" as const, path: (yield* Path.Path).resolve(cwd, config) }
    }),
  )

/** Makes an engine that lives as long as the scope. `given` is validated: it may come from a script without types. */
export const makeEngine = Effect.fnUntraced(function* (
  given: EngineSettings,
  own: Package & { readonly loadLocalWorker: LoadLocalWorker },
) {
  if (process.versions.bun === undefined) {
    return yield* new UsageError({
      message: "mill requires Bun, but this is a different runtime",
      hint: "run the script with Bun 1.4.5 or later: bun <script>",
    })
  }
  const options = yield* checkOptions(given)
  const config = Layer.provide(givenConfig(options), Layer.mergeAll(PlatformLayer.layer, Digest.layer))
  return Context.get(yield* Layer.build(Layer.provideMerge(layer({ ...options, ...own }), config)), Engine)
})
