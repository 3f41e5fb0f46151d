/**
 * Runs the mill of this checkout as it is shipped. Builds it first if it is missing or older than its sources.
 *
 * Usage: bun scripts/start.ts <arguments for mill>
 */
import { existsSync, readdirSync, statSync } from "node:fs"
import { join, resolve } from "node:path"

const root = resolve(import.meta.dirname, "..")
const mill = join(root, "dist/mill.js")
const sources = ["src", "scripts", "package.json"]

const listFiles = (path: string): ReadonlyArray<string> =>
  statSync(path).isDirectory()
    ? readdirSync(path, { recursive: true, encoding: "utf8" }).map((name) => join(path, name))
    : [path]

const isFresh = () => {
  if (!existsSync(mill)) return false
  const built = statSync(mill).mtimeMs
  return sources
    .flatMap((name) => listFiles(join(root, name)))
    .every((path) => statSync(path).mtimeMs < built)
}

if (!isFresh()) {
  console.error("mill: building dist")
  const { exitCode } = Bun.spawnSync([process.execPath, join(root, "scripts/build.ts")], {
    stdio: ["ignore", "inherit", "inherit"],
  })
  if (exitCode !== 0) process.exit(exitCode)
}
process.execve?.(process.execPath, [process.execPath, mill, ...process.argv.slice(2)])
