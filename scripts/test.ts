/**
 * Runs the tests: `npm test -- <arguments for bun test>`.
 *
 * The tests run the package as it is shipped, built for them: it needs half the time of the sources. MILL_TEST_COMMAND names
 * another mill. Test files run in parallel, because many of them wait for processes. Only failures are printed, then the
 * totals, and last what the skipped tests need. `bun test` runs the sources, one file after the other, and prints every test.
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
  // No more than a user's limit of inotify instances, 128 by default, allows.
  `--parallel=${Math.min(availableParallelism() + 1, 8)}`,
  // Within a file. More would use more memory and save no time.
  "--max-concurrency=6",
  // Processes take their time on a busy machine.
  "--timeout=120000",
  "--only-failures",
]

/** Builds the package. Returns the command that starts it, as MILL_TEST_COMMAND has it. */
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
