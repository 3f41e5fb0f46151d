/**
 * Gives frozen contents to whoever imports a file: at the file's original path, so that relative imports, npm imports,
 * `import.meta` and stack traces are the original's, and whatever happens to the file on disk.
 */
import { plugin } from "bun"

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

/** From now on these files, and these modules by name, are what is imported in this process. */
export const installFrozenSources = (
  sources: ReadonlyArray<FrozenSource>,
  modules: Readonly<Record<string, Record<string, unknown>>> = {},
): void => {
  const frozen = new Map(sources.map((source) => [source.path, source]))
  plugin({
    name: "mill-frozen-sources",
    setup: (build) => {
      for (const [name, exports] of Object.entries(modules)) {
        build.module(name, () => ({ exports, loader: "object" }))
      }
      if (sources.length === 0) return
      build.onResolve({ filter: /^[./]/ }, ({ importer, path }) => {
        const target = frozen.get(importer)?.imports?.[path] ?? path
        return frozen.has(target) ? { path: target, namespace: "file" } : undefined
      })
      const paths = [...frozen.keys()].map(escape).join("|")
      build.onLoad({ filter: new RegExp(`^(?:${paths})$`), namespace: "file" }, ({ path }) => {
        const source = frozen.get(path)
        return source === undefined ? undefined : load(source)
      })
    },
  })
}
