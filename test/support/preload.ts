/**
 * Runs before the test files: installs the dependencies of a fresh clone, so that `bun test` works as the first command.
 * Imports nothing from node_modules, because it may not exist yet.
 */
import { afterAll } from "bun:test"
import { readdirSync } from "node:fs"
import { join } from "node:path"
import { ensureInstalled } from "../../scripts/install.mjs"
import { appendReport, reportFolder } from "./report.ts"
import { describeMissing } from "./requirements.ts"

const root = join(import.meta.dir, "../..")

const canResolve = () => {
  try {
    return Bun.resolveSync("effect", import.meta.dir) !== ""
  } catch {
    return false
  }
}

/**
 * Bun 1.4.5 has already listed the folders above the test files and cached that node_modules is missing. A failed import
 * drops the cache for the folder of the imported file.
 */
const forgetListings = async (folder: string): Promise<void> => {
  await import(join(folder, "absent")).catch(() => undefined)
  const folders = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  for (const { name } of folders) {
    if (name !== "node_modules" && name !== ".git") await forgetListings(join(folder, name))
  }
}

const isComplete = canResolve()
await ensureInstalled()
if (!isComplete) {
  await forgetListings(root)
  if (!canResolve()) throw new Error("the dependencies were just installed: run `bun test` again")
}

afterAll(() => {
  if (reportFolder !== undefined) return appendReport("done", Bun.main)
  const missing = describeMissing()
  if (missing !== undefined) process.stderr.write(`\n${missing}\n`)
})
