/** Functions whose modules are loaded when they are first called. */
import { Effect } from "effect"

/** The function that `pick` takes from a module; each call loads the module first, and the first call evaluates it. */
export const importOnCall =
  <Module, Args extends ReadonlyArray<unknown>, A, E, R>(
    load: Effect.Effect<Module>,
    pick: (module: Module) => (...args: Args) => Effect.Effect<A, E, R>,
  ) =>
  (...args: Args): Effect.Effect<A, E, R> =>
    Effect.flatMap(load, (module) => pick(module)(...args))
