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

/**
 * Creates an engine that lives as long as the scope. Its runs keep running afterwards. Fails if an option or a
 * configuration object is invalid.
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
): Effect.Effect<MillEngine, ConfigError | UsageError, Scope.Scope> => makeEngine(options, millPackage)

/**
 * Creates a client: the engine's methods as Promises and async iterables, for scripts without Effect. They reject with
 * the same tagged errors. Invalid options reject the first call. Runs keep running after the client is closed.
 *
 * @example
 * await using mill = createMill()
 * const { runId } = await mill.submit({ program: "plan.ts", driver: "offline" })
 * for await (const { event } of mill.watch(runId)) console.log(event.type)
 */
export const createMill: (options?: EngineOptions) => MillClient = makeClient(createEngine)

/**
 * The declaration of `@mill/core` for folders without the package: the interfaces of `types.ts`, and what they import and the
 * factories, simplified, from `core-types.txt`. It consists of interfaces and `var`s, so that copies in several folders of a
 * project merge.
 */
const renderCoreTypes = (interfaces: string): string => {
  const body = interfaces
    .slice(interfaces.indexOf("/** Options of"))
    .replace(/\/\*\*[^\n]*\nexport type [^\n]*\n\n/g, "")
  return `/** The module that a configuration imports. An installed package has more precise types. */
declare module "@mill/core" {
${body.replace(/^(?=.)/gm, "  ")}
${coreTypes}}
`
}

/**
 * What configurations and programs can use without installing the package. The module has everything that `mill.api.ts`
 * exports: once a configuration has been evaluated, the imports of a script itself resolve to this module, too.
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
