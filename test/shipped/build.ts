/** Builds what is shipped for a test file, into a folder of its own that goes with it. */
import { afterAll } from "bun:test"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { repository } from "../support/mill.ts"

/** Runs a command of the repository's to its end, and gives what it printed. It must succeed. */
export const succeed = (command: ReadonlyArray<string>, cwd: string, env: Record<string, string> = {}) => {
  const { exitCode, stderr, stdout } = Bun.spawnSync([...command], { cwd, env: { ...process.env, ...env } })
  if (exitCode !== 0) throw new Error(`${command.join(" ")} failed:\n${stdout}${stderr}`)
  return stdout.toString()
}

/** A folder that is removed when the test file is through. */
export const temporaryFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), "mill-shipped-"))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Builds the executable, and gives its path. */
export const buildExecutable = (): string => {
  const folder = temporaryFolder()
  succeed([process.execPath, "scripts/build.ts", "--binary", "--out", folder], repository)
  return join(folder, "mill")
}
