/**
 * Runs before any test file is loaded: installs what a fresh clone lacks, so that `bun test` works as its very first
 * command. Imports nothing from node_modules, which may not be there yet.
 */
import { readdirSync } from "node:fs"
import { join } from "node:path"
import { ensureInstalled } from "../../scripts/install.mjs"

const root = join(import.meta.dir, "../..")

const resolves = () => {
  try {
    return Bun.resolveSync("effect", import.meta.dir) !== ""
  } catch {
    return false
  }
}

/**
 * Bun 1.4.5 has listed the folders above the test files before it gets here, and remembers that there was no
 * node_modules. Failing to import an absent file makes it forget what it knows of that file's folder.
 */
const forgetListings = async (folder: string): Promise<void> => {
  await import(join(folder, "absent")).catch(() => undefined)
  const folders = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  for (const { name } of folders) {
    if (name !== "node_modules" && name !== ".git") await forgetListings(join(folder, name))
  }
}

const complete = resolves()
await ensureInstalled()
if (!complete) {
  await forgetListings(root)
  if (!resolves()) throw new Error("The dependencies have just been installed. Please run `bun test` again.")
}
