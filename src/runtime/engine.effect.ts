/** The one place where the layers of a mill process are composed. */
import { Context, Effect, type FileSystem, Layer } from "effect"
import { ConfigError } from "../domain/error.schema.ts"
import { ConfigLoader } from "../internal/config/config-loader.effect.ts"
import type { Settings } from "../internal/config/settings.effect.ts"
import { IoHub } from "../internal/control/io-hub.effect.ts"
import { Engine } from "../internal/engine/engine.effect.ts"
import { TypeTexts } from "../internal/scaffold/type-texts.effect.ts"
import { RunStore } from "../internal/store/run-store.effect.ts"
import * as Acp from "./acp.effect.ts"
import { artefact } from "./artefact.effect.ts"
import * as BunTools from "./bun.effect.ts"
import * as Environment from "./environment.effect.ts"
import { becomeBun, unpackScripts } from "./executable.effect.ts"
import { installFrozenSources } from "./host/frozen-sources.ts"
import { lentModules } from "./host/lent-package.ts"
import { quietStdout } from "./host/quiet-stdout.ts"
import { importModule } from "./module-loader.effect.ts"
import * as PlatformLayer from "./platform.effect.ts"

/** What the package exports, for those who have not installed it. */
export type Package = {
  /** Modules that a configuration may import by name though no node_modules holds them. */
  readonly modules: Readonly<Record<string, Record<string, unknown>>>
  readonly types: TypeTexts["Service"]
}

/** Where mill's own dependencies are in reach; nowhere for one that is a single file. */
const home =
  artefact.form === "executable" ? undefined : artefact.host.slice(0, artefact.host.lastIndexOf("/"))

const configLoader = (modules: Package["modules"]) =>
  Layer.effect(
    ConfigLoader,
    Effect.map(Effect.context<FileSystem.FileSystem | Settings>(), (context) => ({
      evaluate: Effect.fn("ConfigLoader.evaluate")(function* (files) {
        const [{ path }] = files
        yield* becomeBun.pipe(
          Effect.provideContext(context),
          Effect.mapError(({ message }) => new ConfigError({ path, message })),
        )
        // Loaded before they are provided: from then on they are what mill itself would be given.
        const lent = yield* Effect.promise(() => lentModules(files, modules["@mill/core"], home))
        yield* Effect.sync(() => installFrozenSources(files, { ...modules, ...lent }))
        const module = yield* Effect.acquireUseRelease(
          Effect.sync(quietStdout),
          () => importModule(path),
          (end) => Effect.sync(end),
        )
        return typeof module === "object" && module !== null && "default" in module
          ? module.default
          : undefined
      }),
    })),
  )

/** What the surroundings do not say. */
export type Overrides = Environment.Overrides

/** Everything that a mill process may need, from its surroundings. */
export const layer = (options: Overrides & Package) =>
  Engine.layer.pipe(
    Layer.provideMerge(Layer.mergeAll(RunStore.layer, IoHub.layer)),
    Layer.provideMerge(
      Layer.mergeAll(
        BunTools.layer,
        BunTools.digestLayer,
        Acp.layer,
        configLoader(options.modules),
        Layer.succeed(TypeTexts, TypeTexts.of(options.types)),
        Environment.secretsLayer,
      ),
    ),
    Layer.provideMerge(Environment.layer(options)),
    Layer.provideMerge(PlatformLayer.layer),
  )

/** The engine alone, for as long as the scope lives. */
export const makeEngine = (options: Overrides & Package) =>
  Effect.map(Layer.build(layer(options)), (context) => {
    const engine = Context.get(context, Engine)
    return Engine.of({
      ...engine,
      start: (prepared) =>
        Effect.andThen(Effect.provideContext(unpackScripts, context), engine.start(prepared)),
    })
  })
