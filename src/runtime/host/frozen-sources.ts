/**
 * Gives frozen contents to whoever imports a file: at the file's original path, so that relative imports, npm imports,
 * `import.meta` and stack traces are the original's, and whatever happens to the file on disk.
 */
/** A file as it is to be seen. `imports` says which absolute paths its specifiers stand for. */
export type FrozenSource = {
  readonly path: string
  readonly contents: string
  readonly imports?: Readonly<Record<string, string>> | undefined
  /** Imported as text, though its name does not say so. */
  readonly asText?: boolean | undefined
}

const escape = (text: string): string => text.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&")

const loaderOf = (path: string) => (/\.[cm]?js$/.test(path) ? "js" : path.endsWith("x") ? "tsx" : "ts")

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
  return { contents, loader: loaderOf(path) }
}

/** What this process sees at these paths. */
const frozen = new Map<string, FrozenSource>()
/** Paths, and names of modules, that Bun asks about. */
const served = new Set<string>()

const isFresh = (name: string): boolean => !served.has(name) && served.add(name).has(name)

/** A file that was imported with other contents is to be evaluated again, and what imports it. */
const forgetModules = (sources: ReadonlyArray<FrozenSource>): void => {
  const changed = ({ contents, path }: FrozenSource) =>
    frozen.has(path) && frozen.get(path)?.contents !== contents
  if (sources.some(changed)) for (const { path } of sources) delete require.cache[path]
}

/**
 * From now on these files, and these modules by name, are what is imported in this process. Called again, as a script
 * does that submits several runs, it has the files replaced.
 */
export const installFrozenSources = (
  sources: ReadonlyArray<FrozenSource>,
  modules: Readonly<Record<string, Record<string, unknown>>> = {},
): void => {
  forgetModules(sources)
  for (const source of sources) frozen.set(source.path, source)
  const fresh = sources.map(({ path }) => path).filter(isFresh)
  const names = Object.entries(modules).filter(([name]) => isFresh(name))
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
