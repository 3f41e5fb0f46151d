/**
 * Refuses files that changed after the run was submitted. mill has no frozen copy of a file whose path is computed, or that did
 * not exist at submission, so a program might load other contents than those that were submitted. A path with a query, such as
 * `./file.ts?now`, loads the file as it is.
 */
import { statSync } from "node:fs"
import { dirname } from "node:path"
import { findDataType } from "./frozen-data.ts"

/** Unfrozen files that the program's own files have loaded. */
const loaded = new Set<string>()
const refused = new Set<string>()
let isResolving = false

/** Whether an import of the file reads its contents. */
const isRead = (path: string): boolean =>
  findDataType(path) !== undefined || /(?:\.[cm]?[jt]sx?|\/[^./]+)$/.test(path)

const hasChanged = (path: string, since: number): boolean => {
  try {
    return statSync(path).ctimeMs > since
  } catch {
    return false
  }
}

const refuse = (path: string): void => {
  refused.add(path)
  const load = () => {
    throw new Error(
      `${path} changed after the run was submitted, and mill has no frozen copy; import it by a literal path, or add a query such as "?now" to load it as it is`,
    )
  }
  const filter = new RegExp(`^${path.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&")}$`)
  // Only loading fails, so that a program may still resolve the path of the file.
  Bun.plugin({
    name: "mill-late-files",
    setup: (build) => void build.onLoad({ filter, namespace: "file" }, load),
  })
}

/** Whether a file was loaded by a file of the program. */
export const isLoadedLate = (path: string): boolean => loaded.has(path)

/** Makes loading the file that a specifier leads to fail, if it changed after `since`, in milliseconds. */
export const refuseChanged = (importer: string, specifier: string, since: number): void => {
  // Resolving asks the plugin again.
  if (isResolving) return
  isResolving = true
  try {
    const path = Bun.resolveSync(specifier, dirname(importer))
    if (path.includes("?") || path.includes("/node_modules/") || !isRead(path)) return
    loaded.add(path)
    if (!refused.has(path) && hasChanged(path, since)) refuse(path)
  } catch {
    // Bun reports that there is no such file.
  } finally {
    isResolving = false
  }
}
