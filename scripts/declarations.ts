/** Emits type declarations with the compiler. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"

/**
 * Emits the declarations of the entries, and of their imports, to `outDir`, laid out as `rootDir`. Returns the compiler's
 * output: empty on success.
 */
export const emitDeclarations = (
  root: string,
  entries: ReadonlyArray<string>,
  outDir: string,
  rootDir = "src",
) => {
  const emit = { noEmit: false, declaration: true, emitDeclarationOnly: true, outDir }
  const compilerOptions = {
    ...emit,
    rootDir: join(root, rootDir),
    typeRoots: [join(root, "node_modules/@types")],
  }
  const files = entries.map((entry) => join(root, entry))
  mkdirSync(outDir, { recursive: true })
  const config = join(outDir, "tsconfig.json")
  writeFileSync(
    config,
    JSON.stringify({ extends: join(root, "tsconfig.json"), compilerOptions, files, include: [] }),
  )
  const tsgo = join(import.meta.dirname, "../node_modules/.bin/tsgo")
  const { stdout, stderr } = Bun.spawnSync([process.execPath, tsgo, "--project", config], { cwd: root })
  rmSync(config)
  return `${stdout}${stderr}`
}
