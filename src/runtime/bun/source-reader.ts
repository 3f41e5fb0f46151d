/**
 * Reads the files of a module graph for Bun's bundler. Refuses macros, because Bun would run them. Leaves out imports with a
 * type, because the bundler confuses them with other imports of the same file.
 */
import { createRequire } from "node:module"
import { dirname, isAbsolute } from "node:path"
import { findMacroProblem } from "./macro-guard.ts"
import type { LoadParser, SourceProblem } from "./parse-code.ts"
import { takeTypedImports, type TypedImport } from "./typed-imports.ts"

const codeName = /\.[cm]?[jt]sx?$/

/** The largest file to read if its name is not that of code. */
const maxDataBytes = 16 * 1024 * 1024

const isUtf16 = ([first, second]: Uint8Array): boolean =>
  (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)

/** Resolves the `imports` of a `package.json` to local files. Bun's bundler takes them for packages, which it leaves out. */
const resolveOwnImport = ({ importer, kind, path }: Bun.OnResolveArgs) => {
  try {
    const target = kind.startsWith("require")
      ? createRequire(importer).resolve(path)
      : Bun.resolveSync(path, dirname(importer))
    return isAbsolute(target) && !target.includes("/node_modules/") ? { path: target } : undefined
  } catch {
    // It may be absent.
    return undefined
  }
}

/**
 * Makes the plugin for one build. After the build, `findProblem` returns what stopped it, and `typed` holds the imports that it
 * left out, by the path of the file. Files in `given` are not read.
 */
export const makeSourceReader = (
  loadParser: LoadParser,
  given: ReadonlyMap<string, ReadonlyArray<TypedImport>>,
  allowsMacros: boolean,
) => {
  const typed = new Map(given)
  let problem: SourceProblem | undefined
  const refuse = (found: SourceProblem) => {
    problem ??= found
    throw new Error(found.message)
  }
  const leaveOutTyped = async (path: string, text: string, loader: Bun.Loader) => {
    const taken = await takeTypedImports(text, path, loadParser)
    if (taken.problem !== undefined) return refuse(taken.problem)
    if (taken.imports.length === 0) return undefined
    typed.set(path, taken.imports)
    return { contents: taken.contents, loader }
  }
  const load = async ({ loader, path }: Bun.OnLoadArgs): Promise<Bun.OnLoadResult> => {
    const file = Bun.file(path)
    const isCode = codeName.test(path)
    // Bun does not say which loader the import asks for.
    const unread = { contents: "", loader: "text" } as const
    if (!isCode && file.size > maxDataBytes) return unread
    const bytes = await file.bytes().catch(() => undefined)
    // Bun may resolve the name to another file, such as one with a query.
    if (bytes === undefined)
      return allowsMacros ? undefined : refuse({ path, message: `cannot read ${path}` })
    if (isUtf16(bytes))
      return refuse({ path, message: `cannot read ${path}: the file is encoded as UTF-16; save it as UTF-8` })
    const text = new TextDecoder().decode(bytes)
    const found = allowsMacros ? undefined : await findMacroProblem(text, path, loadParser)
    if (found === undefined) return isCode && !given.has(path) ? leaveOutTyped(path, text, loader) : undefined
    if (isCode) return refuse(found)
    // The file may be prose, so it is loaded as its name says, and never as code.
    return /^[jt]sx?$/.test(loader) ? unread : { contents: bytes, loader }
  }
  const plugin: Bun.BunPlugin = {
    name: "mill-source-reader",
    setup: (build) => {
      build.onResolve({ filter: /^#/ }, resolveOwnImport)
      build.onLoad({ filter: /./ }, load)
    },
  }
  return { plugin, findProblem: () => problem, typed }
}
