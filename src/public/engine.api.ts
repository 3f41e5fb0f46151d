/** The engine with everything that it needs, for the command line. */
import { makeEngine, type Overrides, type ProvidedModules } from "../runtime/engine.effect.ts"
import * as api from "./mill.api.ts"

/** What a configuration may import though no node_modules holds it. */
export const providedModules: ProvidedModules = { "@mill/core": { ...api } }

/** An engine that lives as long as the scope. */
export const createEngine = (options: Overrides) => makeEngine({ ...options, modules: providedModules })
