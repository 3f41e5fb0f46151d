/**
 * Runs the tests: `npm test -- <arguments for bun test>`.
 *
 * Builds the package and tests it, which takes half as long as testing the source. MILL_TEST_COMMAND selects another build of
 * mill. Runs test files in parallel, because many of them wait for processes. Prints only failures, then the totals, then what
 * the skipped tests need. `bun test` tests the source, runs one file at a time, and prints every test.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { availableParallelism } from "node:os"
import { join } from "node:path"
import { readReport, reportVariable } from "../test/support/report.ts"
import { describeMissing } from "../test/support/requirements.ts"
import { killSelf, run, SignalError } from "./process.mjs"

const root = join(import.meta.dirname, "..")
/** In node_modules, so that the package finds its dependencies. */
const folder = mkdtempSync(join(root, "node_modules/.mill-test-"))
const inTerminal = process.stderr.isTTY

/** Prints how many test files are done. In a terminal, the next output replaces the line. */
const showProgress = (): void => {
  const done = `${readReport(folder, "done").length} test files done`
  process.stderr.write(inTerminal ? `\x1b[K${done}\r` : `${done}\n`)
}

const options = [
  // At most 8, because a user may have only 128 inotify instances by default.
  `--parallel=${Math.min(availableParallelism() + 1, 8)}`,
  // The tests at a time in each file. More would use more memory without saving time.
  "--max-concurrency=6",
  // Processes are slow on a busy machine.
  "--timeout=120000",
  "--only-failures",
]

/** Builds the package. Returns the command that starts it, in the format of MILL_TEST_COMMAND. */
const buildMill = async (): Promise<string> => {
  process.stderr.write("mill: building the package to test\n")
  const out = join(folder, "dist")
  const args = [join(root, "scripts/build.ts"), "--out", out]
  const { code, output } = await run(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] })
  if (code !== 0) throw new Error(`the build failed:\n${output}`)
  return JSON.stringify([process.execPath, join(out, "mill.js")])
}

let progress: Timer | undefined
try {
  const { MILL_TEST_COMMAND = await buildMill() } = process.env
  progress = setInterval(showProgress, inTerminal ? 500 : 60_000)
  const { code } = await run(process.execPath, ["test", ...options, ...process.argv.slice(2)], {
    stdio: "inherit",
    env: { ...process.env, MILL_TEST_COMMAND, [reportVariable]: folder },
  })
  process.exitCode = code
  const missing = describeMissing(readReport(folder, "missing"))
  if (missing !== undefined) process.stderr.write(`\n${missing}\n`)
} catch (error) {
  if (!(error instanceof SignalError)) throw error
  killSelf(error.signal)
} finally {
  clearInterval(progress)
  rmSync(folder, { recursive: true, force: true })
}
