/**
 * Serves frozen contents to the imports of this process, whatever happens to the files on disk. A file keeps its original
 * path, so that relative imports, npm imports, `import.meta` and stack traces are those of the original.
 */

/** A file and its frozen contents. `imports` maps its specifiers to absolute paths. */
export type FrozenSource = {
  readonly path: string
  readonly contents: string
  readonly imports?: Readonly<Record<string, string>> | undefined
  /** Whether to import the file as text, whatever its name. */
  readonly asText?: boolean | undefined
}

const escape = (text: string): string => text.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&")

const chooseLoader = (path: string) => (/\.[cm]?js$/.test(path) ? "js" : path.endsWith("x") ? "tsx" : "ts")

const load = ({ asText = false, contents, path }: FrozenSource): Bun.OnLoadResult => {
  const data = (value: unknown): Bun.OnLoadResult => ({
    loader: "object",
    exports: { ...(typeof value === "object" && value !== null ? value : {}), default: value },
  })
  if (path.endsWith(".json")) return data(JSON.parse(contents))
  if (path.endsWith(".jsonc")) return data(Bun.JSONC.parse(contents))
  if (path.endsWith(".toml")) return data(Bun.TOML.parse(contents))
  if (/\.ya?ml$/.test(path)) return data(Bun.YAML.parse(contents))
  if (asText || path.endsWith(".txt")) return data(contents)
  return { contents, loader: chooseLoader(path) }
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
  if (sources.some(changed)) for (const { path } of sources) delete require.cache[path]
}

/**
 * Serves these files, and these modules by name, to all later imports of this process. A second call replaces files, as
 * in a script that submits several runs.
 */
export const installFrozenSources = (
  sources: ReadonlyArray<FrozenSource>,
  modules: Readonly<Record<string, Record<string, unknown>>> = {},
): void => {
  forgetModules(sources)
  for (const source of sources) frozen.set(source.path, source)
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
      build.onResolve({ filter: /^[./]/ }, ({ importer, path }) => {
        const target = frozen.get(importer)?.imports?.[path] ?? path
        return frozen.has(target) ? { path: target, namespace: "file" } : undefined
      })
      const paths = fresh.map(escape).join("|")
      build.onLoad({ filter: new RegExp(`^(?:${paths})$`), namespace: "file" }, ({ path }) => {
        const source = frozen.get(path)
        return source === undefined ? undefined : load(source)
      })
    },
  })
}
