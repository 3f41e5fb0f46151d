/**
 * Finds packages without installing them. Where no folder above has a node_modules, Bun's resolver downloads a missing package,
 * unless the process runs with --no-install. Bun's bundler never does.
 */
import { existsSync } from "node:fs"
import { isBuiltin } from "node:module"
import { dirname, join } from "node:path"

/** Whether a node_modules in or above the folder has the package. */
export const hasPackage = (folder: string, name: string): boolean =>
  existsSync(join(folder, "node_modules", name, "package.json")) ||
  (dirname(folder) !== folder && hasPackage(dirname(folder), name))

/** `@scope/name` and `name` at the start of a specifier. */
const packageName = /^(?:@[^/?#]+\/)?[^/?#]+/

/** Whether resolving the specifier cannot make Bun install a package. */
const isSafe = (specifier: string, folder: string): boolean => {
  const [name] = packageName.exec(specifier) ?? []
  return name === undefined || name.includes(":") || isBuiltin(specifier) || hasPackage(folder, name)
}

const resolves = (specifier: string, folder: string): boolean => {
  try {
    Bun.resolveSync(specifier, folder)
    return true
  } catch {
    return false
  }
}

/** The specifiers that Bun's bundler finds from a folder: aliases of a tsconfig.json and a package.json among others. */
const bundleImports = async (specifiers: ReadonlyArray<string>, folder: string) => {
  const entry = join(folder, "mill-imports.ts")
  const { logs } = await Bun.build({
    entrypoints: [entry],
    files: { [entry]: specifiers.map((specifier) => `import ${JSON.stringify(specifier)}\n`).join("") },
    target: "bun",
    throw: false,
    plugins: [
      {
        name: "mill-no-contents",
        setup: (build) =>
          void build.onLoad({ filter: /.*/ }, ({ path }) =>
            path === entry ? undefined : { contents: "", loader: "js" },
          ),
      },
    ],
  })
  const missing = new Set(logs.map((log) => ("specifier" in log ? log.specifier : undefined)))
  return specifiers.filter((specifier) => !missing.has(specifier))
}

/** The specifiers of packages, among those given, that do not resolve from a folder. */
export const findMissingPackages = async (
  specifiers: ReadonlyArray<string>,
  folder: string,
): Promise<ReadonlySet<string>> => {
  const unsafe = specifiers.filter((specifier) => !isSafe(specifier, folder))
  const bundled = unsafe.length === 0 ? [] : await bundleImports(unsafe, folder)
  const askable = (specifier: string) => !unsafe.includes(specifier) || bundled.includes(specifier)
  return new Set(specifiers.filter((specifier) => !askable(specifier) || !resolves(specifier, folder)))
}

/** Makes imports of packages fail for the rest of this process, as if Bun had not found them. */
export const refusePackages = (specifiers: ReadonlySet<string>): void => {
  if (specifiers.size === 0) return
  Bun.plugin({
    name: "mill-missing-packages",
    setup: (build) => {
      for (const specifier of specifiers) {
        build.module(specifier, () => {
          throw Object.assign(new Error(`Cannot find package '${specifier}'`), {
            code: "ERR_MODULE_NOT_FOUND",
          })
        })
      }
    },
  })
}
