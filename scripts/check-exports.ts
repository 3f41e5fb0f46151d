/**
 * Checks that the package exports only its public API: the entries of package.json name files of src/public (`bin`: of
 * src/bin) or files that scripts/build.ts builds from them, and no exported type refers to a type of src/internal or
 * src/runtime.
 *
 * The compiler emits the declarations of the entries, and this script follows their imports. So a private type that an
 * entry uses but does not expose is fine. Types of other packages are not followed.
 *
 * Usage: bun scripts/check-exports.ts [root]
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join, normalize, relative, resolve } from "node:path"

import { emitDeclarations } from "./declarations.ts"
import { declarationsIn, scripts } from "./entries.ts"

const root = resolve(process.argv[2] ?? join(import.meta.dirname, ".."))
const publicFolders = ["src/public/", "src/domain/", "src/codecs/"]
const problems: string[] = []

/** Lists the files that a field of package.json names, at any depth of conditions and subpaths. */
const listTargets = (field: unknown): Array<string> =>
  typeof field === "string"
    ? [normalize(field)]
    : typeof field === "object" && field !== null
      ? Object.values(field).flatMap(listTargets)
      : []

/** Finds the source of a file that the build makes; any other file is its own source. */
const findSource = (file: string): string => {
  const { folder, of } = declarationsIn
  if (file.startsWith(folder)) return file.replace(folder, of).replace(/\.d\.ts$/, ".ts")
  return Object.entries(scripts).find(([output]) => output === file)?.[1] ?? file
}

/** Lists the sources that a field names, directly or as built files, and reports those missing or outside the folder. */
const listSources = (folder: string, name: string, field: unknown) =>
  listTargets(field)
    .map(findSource)
    .filter((file) => {
      if (!file.startsWith(folder))
        problems.push(`package.json: ${name} exposes ${file}, which is outside ${folder}`)
      else if (file.includes("*"))
        problems.push(`package.json: ${name} exposes every file that matches ${file}; name each file instead`)
      else if (!existsSync(join(root, file)))
        problems.push(`package.json: ${name} names ${file}, which does not exist`)
      else return true
      return false
    })

/** Finds the emitted declarations of a source file; a .d.ts file is its own. */
const findDeclarations = (file: string, outDir: string) => {
  const found = [join(outDir, file.replace(/\.[cm]?tsx?$/, ".d.ts")), join(root, file)]
  return found.find((candidate) => candidate.endsWith(".d.ts") && existsSync(candidate))
}

/** Lists the files of this package that a declaration file refers to. */
const listReferences = (file: string, text: string) => {
  const specifiers = text.matchAll(
    /(?:\bfrom|\bimport|\brequire|\bmodule|<reference\s+path=)\s*\(?\s*["']([^"']+)["']/g,
  )
  return [...specifiers].flatMap(([, specifier = ""]) =>
    specifier.startsWith(".") ? [relative(root, resolve(root, dirname(file), specifier))] : [],
  )
}

/** Follows the declarations from the entries and reports references to private files. */
const followDeclarations = (entries: ReadonlyArray<string>, outDir: string, output: string) => {
  const trail = new Map(entries.map((entry) => [entry, entry]))
  for (const [file, path] of trail) {
    const declarations = findDeclarations(file, outDir)
    if (declarations === undefined) {
      problems.push(`${path}: the compiler emitted no declarations for it\n${output}`)
      continue
    }
    for (const reference of listReferences(file, readFileSync(declarations, "utf8"))) {
      const source = reference.replace(/\.d\.ts$|\.js$/, ".ts")
      const next = existsSync(join(root, reference)) ? reference : source
      const step = `${path} -> ${next}`
      if (!publicFolders.some((folder) => next.startsWith(folder)))
        problems.push(`${step}: an exported type refers to a private file`)
      else if (!trail.has(next)) trail.set(next, step)
    }
  }
  return trail.size
}

const outDir = mkdtempSync(join(tmpdir(), "mill-exports-"))
try {
  const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Record<string, unknown>
  if (listTargets(manifest["exports"]).length === 0)
    problems.push("package.json: no exports, so users can import every file")
  const fields = ["exports", "main", "module", "browser", "types", "typings"]
  const entries = [...new Set(fields.flatMap((name) => listSources("src/public/", name, manifest[name])))]
  listSources("src/bin/", "bin", typeof manifest["bin"] === "string" ? [manifest["bin"]] : manifest["bin"])
  if (entries.length > 0) {
    const count = followDeclarations(entries, outDir, emitDeclarations(root, entries, outDir, "."))
    if (problems.length === 0) console.log(`${entries.length} entries expose ${count} files, all public`)
  }
} finally {
  rmSync(outDir, { recursive: true, force: true })
}
for (const problem of problems) console.error(problem)
process.exitCode = problems.length === 0 ? 0 : 1
