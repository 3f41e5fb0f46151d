/** The engine with everything that it needs, for the command line. */
import { makeEngine, type Overrides, type Package } from "../runtime/engine.effect.ts"
import coreTypes from "./core-types.txt"
import * as api from "./mill.api.ts"
// @ts-expect-error TypeScript does not know that the text of a declaration file can be imported.
import programTypes from "./program.d.ts" with { type: "text" }

/** What is there without being installed: what a configuration may import, and the types of both. */
export const millPackage: Package = {
  modules: { "@mill/core": { ...api } },
  types: { program: String(programTypes), core: coreTypes },
}

/** An engine that lives as long as the scope. */
export const createEngine = (options: Overrides) => makeEngine({ ...options, ...millPackage })
