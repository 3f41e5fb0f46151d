#!/usr/bin/env node
// Becomes the project's own Bun: `node scripts/bun.mjs <arguments for bun>`. Installs what is missing first, so that a
// script of package.json that begins with it works as the first command ever in a fresh clone, with Node and npm alone.
// Arguments, standard streams, exit code and signals pass through.
import { ensureInstalled } from "./install.mjs"
import { endBy, run, SignalError } from "./process.mjs"

try {
  const bun = await ensureInstalled()
  const { code } = await run(bun, process.argv.slice(2), { stdio: "inherit" })
  process.exitCode = code
} catch (error) {
  if (error instanceof SignalError) endBy(error.signal)
  else {
    process.stderr.write(`mill: ${error.message}\n`)
    process.exitCode = 1
  }
}
