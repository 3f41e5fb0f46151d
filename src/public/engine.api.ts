/** The engine, as Effects and as Promises. */
import { Effect, type Scope } from "effect"
import type { MillEngine } from "../domain/engine.schema.ts"
import type { ConfigError, UsageError } from "../domain/error.schema.ts"
import { makeEngine } from "../runtime/engine.effect.ts"
import { makeClient } from "./client.api.ts"
import coreTypes from "./core-types.txt"
// @ts-expect-error TypeScript does not know that the text of a declaration file can be imported.
import programTypes from "./program.d.ts" with { type: "text" }
// @ts-expect-error Nor that of a module, which has no default export.
// oxlint-disable-next-line import/default
import configTypes from "./types.ts" with { type: "text" }
import type { EngineOptions, MillClient, MillPackage } from "./library.api.ts"

const loadLocalWorker = Effect.promise(() => import("../runtime/local-worker.effect.ts"))

/**
 * Creates an engine that is closed when the scope closes. Its runs keep running, unless the configuration
 * object contains functions: then closing the engine cancels its runs. Fails if an option or a configuration
 * object is invalid.
 *
 * @example
 * const program = Effect.gen(function* () {
 *   const engine = yield* createEngine({ runsDir: "./runs" })
 *   const { runId } = yield* engine.submit({ program: "plan.ts", driver: "offline" })
 *   return yield* engine.wait(runId, "1 minute")
 * }).pipe(Effect.scoped)
 */
export const createEngine = (
  options: EngineOptions = {},
): Effect.Effect<MillEngine, ConfigError | UsageError, Scope.Scope> =>
  makeEngine(options, { ...millPackage, loadLocalWorker })

/**
 * Creates a client, which provides the engine's methods as Promises and async iterables, for scripts that do not use Effect.
 * Methods reject with the same tagged errors. If an option is invalid, the first call rejects. Runs keep running after the
 * client is closed, unless the configuration object contains functions: then closing the client cancels its runs.
 *
 * @example
 * await using mill = createMill()
 * const { runId } = await mill.submit({ program: "plan.ts", driver: "offline" })
 * for await (const { event } of mill.watch(runId)) console.log(event.type)
 */
export const createMill: (options?: EngineOptions) => MillClient = makeClient(createEngine)

/**
 * Renders the declaration of `@mill/core` for directories without the package: the interfaces in `types.ts`, and from
 * `core-types.txt` simplified declarations of the functions and of the types that `types.ts` imports. It consists of interfaces
 * and `var`s, so that copies in several directories of a project merge.
 */
const renderCoreTypes = (interfaces: string): string => {
  const body = interfaces
    .slice(interfaces.indexOf("/** Options for"))
    .replace(/\/\*\*[^\n]*\nexport type [^\n]*\n\n/g, "")
  return `/** The module that a configuration imports. The installed package provides more precise types. */
declare module "@mill/core" {
${body.replace(/^(?=.)/gm, "  ")}
${coreTypes}}
`
}

/**
 * The parts of the package that configurations and programs can use without installing it. The module contains everything that
 * `mill.api.ts` exports: once a configuration has been evaluated, imports in the calling script also resolve to this module.
 */
export const millPackage: MillPackage = {
  modules: Effect.map(
    Effect.all([
      Effect.promise(() => import("./config.api.ts")),
      Effect.promise(() => import("./errors.api.ts")),
    ]),
    ([config, errors]) => ({ "@mill/core": { ...config, ...errors, createEngine, createMill } }),
  ),
  types: { program: String(programTypes), core: renderCoreTypes(String(configTypes)) },
}
