/**
 * Shows that the package lets out its public entries and nothing else.
 *
 * It promises: `exports`, and `main` and `types` where there are any, name existing files of src/public, or what
 * scripts/build.ts makes of them; `bin` the same of src/bin; and no type that a user can reach from them is declared in src/internal or src/runtime.
 * For the last it has the compiler emit the declarations of the entries, and follows their imports: what an entry uses
 * without showing does not count. It does not see what a type of another package refers to.
 *
 * Usage: bun scripts/check-exports.ts [root]
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join, normalize, relative, resolve } from "node:path"

import { emitDeclarations } from "./declarations.ts"
import { declarationsIn, scripts } from "./entries.ts"

const root = resolve(process.argv[2] ?? join(import.meta.dirname, ".."))
const open = ["src/public/", "src/domain/", "src/codecs/"]
const problems: string[] = []

/** The files that a field of package.json names: a path, or conditions and subpaths around paths. */
const targets = (field: unknown): Array<string> =>
  typeof field === "string"
    ? [normalize(field)]
    : typeof field === "object" && field !== null
      ? Object.values(field).flatMap(targets)
      : []

/** What the build makes a file of the package from; a file that it does not make stands for itself. */
const sourceOf = (file: string): string => {
  const { folder, of } = declarationsIn
  if (file.startsWith(folder)) return file.replace(folder, of).replace(/\.d\.ts$/, ".ts")
  return Object.entries(scripts).find(([output]) => output === file)?.[1] ?? file
}

/** The sources that a field names, by themselves or by what is built from them, if they lie in the folder and exist. */
const filesIn = (folder: string, name: string, field: unknown) =>
  targets(field)
    .map(sourceOf)
    .filter((file) => {
      if (!file.startsWith(folder))
        problems.push(`package.json: ${name} exposes ${file}, which is outside ${folder}`)
      else if (file.includes("*"))
        problems.push(`package.json: ${name} exposes whatever matches ${file}: name each file`)
      else if (!existsSync(join(root, file)))
        problems.push(`package.json: ${name} names ${file}, which does not exist`)
      else return true
      return false
    })

/** The declarations of a source file: those emitted, or the file itself where it is one. */
const declarationsOf = (file: string, outDir: string) => {
  const found = [join(outDir, file.replace(/\.[cm]?tsx?$/, ".d.ts")), join(root, file)]
  return found.find((candidate) => candidate.endsWith(".d.ts") && existsSync(candidate))
}

/** The files of this package that a declaration refers to. */
const referencesOf = (file: string, text: string) => {
  const specifiers = text.matchAll(
    /(?:\bfrom|\bimport|\brequire|\bmodule|<reference\s+path=)\s*\(?\s*["']([^"']+)["']/g,
  )
  return [...specifiers].flatMap(([, specifier = ""]) =>
    specifier.startsWith(".") ? [relative(root, resolve(root, dirname(file), specifier))] : [],
  )
}

/** Follows the declarations from the entries, and reports where they leave the public floors. */
const follow = (entries: ReadonlyArray<string>, outDir: string, output: string) => {
  const trail = new Map(entries.map((entry) => [entry, entry]))
  for (const [file, path] of trail) {
    const declarations = declarationsOf(file, outDir)
    if (declarations === undefined) {
      problems.push(`${path}: the compiler emitted no declarations for it\n${output}`)
      continue
    }
    for (const reference of referencesOf(file, readFileSync(declarations, "utf8"))) {
      const source = reference.replace(/\.d\.ts$|\.js$/, ".ts")
      const next = existsSync(join(root, reference)) ? reference : source
      const step = `${path} -> ${next}`
      if (!open.some((folder) => next.startsWith(folder)))
        problems.push(`${step}: an exported type reaches a private file`)
      else if (!trail.has(next)) trail.set(next, step)
    }
  }
  return trail.size
}

const outDir = mkdtempSync(join(tmpdir(), "mill-exports-"))
try {
  const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Record<string, unknown>
  if (targets(manifest["exports"]).length === 0)
    problems.push("package.json: without exports every file can be imported")
  const fields = ["exports", "main", "module", "browser", "types", "typings"]
  const entries = [...new Set(fields.flatMap((name) => filesIn("src/public/", name, manifest[name])))]
  filesIn("src/bin/", "bin", typeof manifest["bin"] === "string" ? [manifest["bin"]] : manifest["bin"])
  if (entries.length > 0) {
    const count = follow(entries, outDir, emitDeclarations(root, entries, outDir, "."))
    if (problems.length === 0) console.log(`${entries.length} entries show ${count} files, all public`)
  }
} finally {
  rmSync(outDir, { recursive: true, force: true })
}
for (const problem of problems) console.error(problem)
process.exitCode = problems.length === 0 ? 0 : 1
