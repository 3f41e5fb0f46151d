/** Builds the shipped forms of mill for a test file, in a temporary folder. */
import { afterAll } from "bun:test"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { repository } from "../support/mill.ts"

/** Runs a command to its end and returns its output. Throws if it fails. */
export const runOrThrow = (command: ReadonlyArray<string>, cwd: string, env: Record<string, string> = {}) => {
  const { exitCode, stderr, stdout } = Bun.spawnSync([...command], { cwd, env: { ...process.env, ...env } })
  if (exitCode !== 0) throw new Error(`${command.join(" ")} failed:\n${stdout}${stderr}`)
  return stdout.toString()
}

/** Makes a folder that is removed after the tests of the file. */
export const makeTemporaryFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), "mill-shipped-"))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Builds the executable and returns its path. */
export const buildExecutable = (): string => {
  const folder = makeTemporaryFolder()
  runOrThrow([process.execPath, "scripts/build.ts", "--binary", "--out", folder], repository)
  return join(folder, "mill")
}
