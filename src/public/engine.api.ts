/** The engine with everything that it needs: for the command line, and for scripts. */
import { Effect, type Scope } from "effect"
import type { MillEngine } from "../domain/engine.schema.ts"
import type { ConfigError, UsageError } from "../domain/error.schema.ts"
import { makeEngine } from "../runtime/engine.effect.ts"
import { clientOf } from "./client.api.ts"
import coreTypes from "./core-types.txt"
// @ts-expect-error TypeScript does not know that the text of a declaration file can be imported.
import programTypes from "./program.d.ts" with { type: "text" }
import type { EngineOptions, MillClient, MillPackage } from "./library.api.ts"

/**
 * An engine that lives as long as the scope; the runs that it has started go on by themselves. Fails when an option, or
 * a configuration that is given as an object, cannot be used.
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
 * The engine for scripts without Effect: the same methods, as Promises that are rejected with the same tagged errors.
 * Closing it leaves the runs that it has started as they are. Options that cannot be used reject the first call.
 *
 * @example
 * await using mill = createMill()
 * const { runId } = await mill.submit({ program: "plan.ts", driver: "offline" })
 * for await (const { event } of mill.watch(runId)) console.log(event.type)
 */
export const createMill: (options?: EngineOptions) => MillClient = clientOf(createEngine)

/**
 * What is there without being installed: what a configuration may import, and the types of both. The module is all of
 * `mill.api.ts`, since a script's own imports give it too once a configuration has been evaluated there.
 */
export const millPackage: MillPackage = {
  modules: Effect.map(
    Effect.all([
      Effect.promise(() => import("./config.api.ts")),
      Effect.promise(() => import("./errors.api.ts")),
    ]),
    ([config, errors]) => ({ "@mill/core": { ...config, ...errors, createEngine, createMill } }),
  ),
  types: { program: String(programTypes), core: coreTypes },
}
