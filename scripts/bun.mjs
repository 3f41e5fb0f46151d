#!/usr/bin/env node
// Runs the project's own Bun: `node scripts/bun.mjs <arguments for bun>`. Installs missing dependencies first, so that the
// scripts of package.json work in a fresh clone with only Node and npm. Arguments, standard streams, exit code and signals
// pass through.
import { ensureInstalled } from "./install.mjs"
import { killSelf, run, SignalError } from "./process.mjs"

try {
  const bun = await ensureInstalled()
  const { code } = await run(bun, process.argv.slice(2), { stdio: "inherit" })
  process.exitCode = code
} catch (error) {
  if (error instanceof SignalError) killSelf(error.signal)
  else {
    process.stderr.write(`mill: ${error.message}\n`)
    process.exitCode = 1
  }
}
