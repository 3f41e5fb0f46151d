/**
 * `effect` for a configuration whose folder has none in its node_modules: mill's own copy where mill has one on disk,
 * and where it has not (compiled to one file) what `@mill/core` has of it. A copy of the user's own comes first. Copies
 * of Effect 4 work with each other: an effect of one runs in another.
 */
import { existsSync } from "node:fs"
import { dirname, join } from "node:path"
import type { FrozenSource } from "../host/frozen-sources.ts"

const name = "effect"

type Modules = Readonly<Record<string, Record<string, unknown>>>

/** Whether a node_modules in or above the folder has the package. (Bun, if asked, might install it.) */
const hasPackage = (folder: string): boolean =>
  existsSync(join(folder, "node_modules", name, "package.json")) ||
  (dirname(folder) !== folder && hasPackage(dirname(folder)))

const specifiers = ({ contents }: FrozenSource): ReadonlyArray<string> =>
  [...contents.matchAll(/["'](effect(?:\/[\w/-]+)?)["']/g)].map(([, specifier = name]) => specifier)

/**
 * The modules of the package that these files may mean and that they do not find by themselves. The first file counts;
 * `home` is the folder from which mill finds its own copy, `otherwise` what there is
 * without one.
 */
export const lentModules = async (
  sources: ReadonlyArray<FrozenSource>,
  otherwise: Record<string, unknown> | undefined,
  home: string | undefined,
): Promise<Modules> => {
  const wanted = new Set(sources.flatMap(specifiers))
  const [entry] = sources
  if (wanted.size === 0 || entry === undefined || hasPackage(dirname(entry.path))) return {}
  if (home === undefined || !hasPackage(home)) return otherwise === undefined ? {} : { [name]: otherwise }
  const load = async (specifier: string) => {
    try {
      return [[specifier, { ...(await import(Bun.resolveSync(specifier, home))) }] as const]
    } catch {
      // There is no such module: whoever imports it is told so.
      return []
    }
  }
  return Object.fromEntries((await Promise.all([...wanted].map(load))).flat())
}
