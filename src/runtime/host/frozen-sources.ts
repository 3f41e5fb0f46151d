/**
 * Serves frozen contents to the imports of this process, whatever happens to the files on disk. A file keeps its original
 * path, so that relative imports, npm imports, `import.meta` and stack traces are those of the original.
 */
import { dirname, isAbsolute, join } from "node:path"
import { loadCommonJs, placeCommonJs, placeModule, readExports } from "./common-js.ts"
import { evaluateData, exportData, findDataType, isDataType, type DataType } from "./frozen-data.ts"
import { isLoadedLate, refuseChanged } from "./late-files.ts"

/** A file and its frozen contents. `imports` maps its specifiers to absolute paths. */
export type FrozenSource = {
  readonly path: string
  readonly contents: string
  readonly imports?: Readonly<Record<string, string>> | undefined
  /** The `type` that import attributes give, by specifier. */
  readonly importTypes?: Readonly<Record<string, string>> | undefined
  /** Whether to import the file as text, whatever its name. */
  readonly asText?: boolean | undefined
  /** Code without a format is an ES module. */
  readonly format?: "commonjs" | undefined
}

const escape = (text: string): string => text.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&")

const chooseLoader = (path: string) => (/\.[cm]?js$/.test(path) ? "js" : path.endsWith("x") ? "tsx" : "ts")

/** The query of the paths of files that are imported with a type. */
const typeQuery = "?type="

const chooseType = ({ asText = false, path }: FrozenSource): DataType | undefined =>
  asText ? "text" : findDataType(path)

/** Loads a source at a path that ends in `query`. */
const load = (source: FrozenSource, query: string): Bun.OnLoadResult => {
  const { contents, format, path } = source
  const given = query.startsWith(typeQuery) ? query.slice(typeQuery.length) : undefined
  if (given === "file") return { loader: "object", exports: { default: path } }
  if (given !== undefined && isDataType(given)) {
    return { loader: "object", exports: exportData(evaluateData(contents, given)) }
  }
  if (chooseType(source) !== undefined) return { loader: "object", exports: exportData(readExports(path)) }
  const loader = chooseLoader(path)
  return format === "commonjs" ? loadCommonJs(path, contents, query, loader) : { contents, loader }
}

/** Puts a source that is not an ES module in `require.cache`. `require` can return any value from there. */
const place = (source: FrozenSource): void => {
  const { contents, format, path } = source
  const type = chooseType(source)
  if (type !== undefined) {
    placeModule(path, (module) => {
      module.exports = evaluateData(contents, type)
    })
  } else if (format === "commonjs") placeCommonJs(path, contents)
}

/** The frozen files of this process, by path. */
const frozen = new Map<string, FrozenSource>()
/** The paths and module names for which a plugin is installed. */
const served = new Set<string>()

/** Notes that a name is served; returns whether this is the first time. */
const markServed = (name: string): boolean => !served.has(name) && served.add(name).has(name)

/** Lets changed files, and the files that import them, be evaluated again. */
const forgetModules = (sources: ReadonlyArray<FrozenSource>): void => {
  const changed = ({ contents, path }: FrozenSource) =>
    frozen.has(path) && frozen.get(path)?.contents !== contents
  if (!sources.some(changed)) return
  const paths = new Set(sources.map(({ path }) => path))
  for (const key of Object.keys(require.cache)) {
    if (paths.has(removeQuery(key))) delete require.cache[key]
  }
}

const removeQuery = (path: string): string => path.replace(/\?.*/, "")

/** When the sources were frozen, in milliseconds. Undefined if files may change afterwards. */
let submittedAt: number | undefined

/** The frozen source that a specifier leads to, and the path to load it at. */
const resolve = (importer: string, specifier: string) => {
  const from = frozen.get(importer)
  // A specifier that is computed is not among the imports.
  const given =
    from === undefined || isAbsolute(specifier)
      ? specifier
      : (from.imports?.[specifier] ?? join(dirname(importer), specifier))
  const target = removeQuery(given)
  const source = frozen.get(target)
  if (source === undefined) {
    if (submittedAt !== undefined && (from !== undefined || isLoadedLate(importer))) {
      refuseChanged(importer, specifier, submittedAt)
    }
    return undefined
  }
  if (require.cache[target] === undefined) place(source)
  const type = from?.importTypes?.[specifier]
  return { path: type === undefined ? given : `${target}${typeQuery}${type}`, namespace: "file" }
}

/**
 * Serves these files, and these modules by name, to all later imports of this process. A second call replaces files, as
 * in a script that submits several runs. With `frozenAt`, in milliseconds, they cannot load other files that changed since.
 */
export const installFrozenSources = (
  sources: ReadonlyArray<FrozenSource>,
  modules: Readonly<Record<string, Record<string, unknown>>> = {},
  frozenAt?: number,
): void => {
  submittedAt = frozenAt
  forgetModules(sources)
  for (const source of sources) {
    if (frozen.get(source.path)?.contents !== source.contents) place(source)
    frozen.set(source.path, source)
  }
  const fresh = sources.map(({ path }) => path).filter(markServed)
  const names = Object.entries(modules).filter(([name]) => markServed(name))
  if (fresh.length === 0 && names.length === 0) return
  Bun.plugin({
    name: "mill-frozen-sources",
    setup: (build) => {
      for (const [name, exports] of names) {
        build.module(name, () => ({ exports, loader: "object" }))
      }
      if (fresh.length === 0) return
      build.onResolve({ filter: /^[./]/ }, ({ importer, path }) => resolve(importer, path))
      const paths = fresh.map(escape).join("|")
      build.onLoad({ filter: new RegExp(`^(?:${paths})(?:\\?.*)?$`), namespace: "file" }, ({ path }) => {
        const source = frozen.get(removeQuery(path))
        return source === undefined ? undefined : load(source, path.slice(source.path.length))
      })
    },
  })
}
