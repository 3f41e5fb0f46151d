/**
 * Runs CommonJS from frozen contents: Bun does not detect CommonJS in files that a plugin loads. Each module is in
 * `require.cache`, where every `require` of this process finds it, and runs when its exports are first read.
 *
 * JavaScript runs as a script, because an ES module would be strict. Code that is not a valid script, such as TypeScript, runs
 * as an ES module that imports `module`, `exports` and so on from another one. The paths of both have a query.
 */
import Module, { createRequire } from "node:module"
import { dirname } from "node:path"

const opening = "(function (exports, require, module, __filename, __dirname) {"

/** By how many columns the first line of a file is shifted when it runs, by path. */
export const columnShifts = new Map<string, number>()

const queries = { body: "?commonjs", scope: "?commonjs-scope" } as const

/** Removes the queries from the paths in a text, such as a stack. */
export const removeQueries = (text: string): string => text.replaceAll(queries.body, "")

type Scope = {
  readonly exports: unknown
  readonly require: NodeJS.Require
  readonly module: Module
  readonly __filename: string
  readonly __dirname: string
}

/** The scopes of the modules that have started, by path. */
const scopes = new Map<string, Scope>()
/** The paths of programs that are CommonJS and run at their own path, as an ES module. */
const inPlace = new Set<string>()

/** The module whose `require` is running. */
let requiring: Module | undefined

const makeRequire = (path: string, module: Module): NodeJS.Require => {
  const native = createRequire(path)
  const { cache, extensions, resolve } = native
  const own = (id: string): unknown => {
    const before = requiring
    requiring = module
    try {
      return native(id)
    } finally {
      requiring = before
    }
  }
  // `main` is undefined if the program is an ES module.
  return Object.assign(own, { cache, extensions, resolve, main: cache[Bun.main] })
}

/** Compiles code as Node compiles a CommonJS module; undefined if the code is not a valid script. */
const compileScript = (path: string, contents: string) => {
  if (!/\.c?js$/.test(path)) return undefined
  const { constants, Script } = process.getBuiltinModule("node:vm")
  try {
    return new Script(`${opening}${contents.replace(/^#!/, "//")}\n})`, {
      filename: path,
      importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    })
  } catch {
    return undefined
  }
}

/** TypeScript's `export = value`. */
const assigns = /\bexport\s*=/

/** Makes the module global while it runs: `export = value` assigns to a `module` that no import can provide. */
const lendModule = (path: string) => {
  const before = Object.getOwnPropertyDescriptor(globalThis, "module")
  Object.defineProperty(globalThis, "module", { configurable: true, value: scopes.get(path)?.module })
  return () => {
    if (before === undefined) Reflect.deleteProperty(globalThis, "module")
    else Object.defineProperty(globalThis, "module", before)
  }
}

/** Puts a module in `require.cache`. `run` gets it, with its first exports, when its exports are first read. */
export const placeModule = (path: string, run: (module: Module, exports: unknown) => void): void => {
  const module = new Module(path)
  module.filename = path
  let exports: unknown = module.exports
  let hasStarted = false
  const start = () => {
    if (hasStarted) return
    hasStarted = true
    module.parent = requiring
    requiring?.children.push(module)
    try {
      run(module, exports)
      module.loaded = true
    } catch (error) {
      // As in Node, the next `require` tries again.
      delete require.cache[path]
      throw error
    }
  }
  const get = () => {
    start()
    return exports
  }
  const set = (value: unknown) => {
    exports = value
  }
  Object.defineProperty(module, "exports", { configurable: true, enumerable: true, get, set })
  require.cache[path] = module
}

/** Puts a CommonJS module with these contents in `require.cache`. */
export const placeCommonJs = (path: string, contents: string): void =>
  placeModule(path, (module, exports) => {
    const scope = {
      exports,
      require: makeRequire(path, module),
      module,
      __filename: path,
      __dirname: dirname(path),
    }
    scopes.set(path, scope)
    if (inPlace.has(path)) return
    const script = compileScript(path, contents)
    if (script === undefined) {
      for (const query of Object.values(queries)) delete require.cache[path + query]
      const takeBack = assigns.test(contents) ? lendModule(path) : undefined
      try {
        require(path + queries.body)
      } finally {
        takeBack?.()
      }
      return
    }
    columnShifts.set(path, opening.length)
    const names = [exports, scope.require, module, path, scope.__dirname]
    Reflect.apply(script.runInThisContext(), exports, names)
  })

/** The value of a module, if it is in `require.cache`; runs it if it has not run. */
export const readExports = (path: string): unknown => require.cache[path]?.exports

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  (typeof value === "object" && value !== null) || typeof value === "function"

/** The default export of a CommonJS module: its exports, or the default among those of a compiled ES module. */
export const chooseDefault = (exports: unknown): unknown =>
  isObject(exports) && exports["__esModule"] === true && "default" in exports ? exports["default"] : exports

/** What an ES module imports from a CommonJS module. */
const listExports = (exports: unknown): Record<string, unknown> => {
  const names = isObject(exports) ? Object.keys(exports) : []
  const named = names.flatMap((name) => {
    try {
      return name === "__esModule" ? [] : [[name, Reflect.get(Object(exports), name)] as const]
    } catch {
      // Bun leaves out what cannot be read.
      return []
    }
  })
  return { ...Object.fromEntries(named), default: chooseDefault(exports) }
}

/** Whether a program is CommonJS that cannot run as a script. */
const runsInPlace = (path: string, contents: string): boolean =>
  path === Bun.main && compileScript(path, contents) === undefined

/** Loads a CommonJS module for an ES module, or for itself: `query` is the query of its path. */
export const loadCommonJs = (
  path: string,
  contents: string,
  query: string,
  loader: Bun.Loader,
): Bun.OnLoadResult => {
  if (query === queries.scope) return { loader: "object", exports: { ...scopes.get(path) } }
  if (query !== queries.body && !runsInPlace(path, contents)) {
    return { loader: "object", exports: listExports(readExports(path)) }
  }
  if (query !== queries.body) {
    inPlace.add(path)
    readExports(path)
    if (assigns.test(contents)) lendModule(path)
  }
  // Imports apply to the whole text, so at its end they leave lines and columns as they are.
  const names = "exports, require, module, __filename, __dirname"
  return {
    loader: loader as "ts",
    contents: `${contents}\n;import { ${names} } from ${JSON.stringify(path + queries.scope)}; export {};`,
  }
}
