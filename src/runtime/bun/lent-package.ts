/**
 * Lends `effect` to a configuration whose folder has no copy in node_modules. The user's own copy comes first, then
 * mill's copy on disk, then the parts of it that `@mill/core` exports (mill as one executable has no copy on disk). Copies
 * of Effect 4 work together: an effect made by one runs in another.
 */
import { dirname } from "node:path"
import { hasPackage } from "./find-packages.ts"

/** A file and its contents. */
type Source = { readonly path: string; readonly contents: string }

const name = "effect"

type Modules = Readonly<Record<string, Record<string, unknown>>>

const findSpecifiers = ({ contents }: Source): ReadonlyArray<string> =>
  [...contents.matchAll(/["'](effect(?:\/[\w/-]+)?)["']/g)].map(([, specifier = name]) => specifier)

/**
 * Loads the modules of `effect` that the sources mention and cannot resolve themselves. The first source is the entry:
 * its folder decides. `home` is the folder from which mill resolves its own copy; without one, `fallback` is used.
 */
export const loadLentModules = async (
  sources: ReadonlyArray<Source>,
  fallback: Record<string, unknown> | undefined,
  home: string | undefined,
): Promise<Modules> => {
  const wanted = new Set(sources.flatMap(findSpecifiers))
  const [entry] = sources
  if (wanted.size === 0 || entry === undefined || hasPackage(dirname(entry.path), name)) return {}
  if (home === undefined || !hasPackage(home, name)) return fallback === undefined ? {} : { [name]: fallback }
  const load = async (specifier: string) => {
    try {
      return [[specifier, { ...(await import(Bun.resolveSync(specifier, home))) }] as const]
    } catch {
      // There is no such module, so the import in the configuration fails with an error.
      return []
    }
  }
  return Object.fromEntries((await Promise.all([...wanted].map(load))).flat())
}
