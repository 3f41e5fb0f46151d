/**
 * Runs the diagnostics of Effect's language service on every file of tsconfig.json: effects that are never run, layers
 * that lack a service, errors typed as `unknown`.
 *
 * Fails on an error, a warning or an unchecked file. Without the configuration passed here, the tool checks no file and
 * reports success. Suggestions are not shown.
 *
 * Usage: bun scripts/check-diagnostics.ts [root]
 */
import { join, relative, resolve } from "node:path"

type Report = {
  diagnostics: Array<{
    file: string
    line: number
    column: number
    severity: string
    name: string
    message: string
  }>
  summary: { filesChecked: number; totalFiles: number }
}

/** Diagnostics that the tool turns off or only suggests by default. */
const diagnosticSeverity = {
  anyUnknownInErrorContext: "warning",
  globalConsoleInEffect: "warning",
  globalFetchInEffect: "warning",
  globalTimersInEffect: "warning",
  leakingRequirements: "warning",
  nestedEffectGenYield: "warning",
  preferSchemaTypeProperty: "warning",
  returnEffectInGen: "warning",
  runEffectInsideEffect: "warning",
  schemaNumber: "warning",
  schemaSyncInEffect: "warning",
  serviceNotAsClass: "warning",
  tryCatchInEffectGen: "warning",
  unnecessaryEffectGen: "warning",
  unnecessaryFailYieldableError: "warning",
  unsafeEffectTypeAssertion: "warning",
}

const root = resolve(process.argv[2] ?? join(import.meta.dirname, ".."))
const config = JSON.stringify({ name: "@effect/language-service", diagnosticSeverity })
const tool = join(import.meta.dirname, "../node_modules/.bin/effect-tsgo")
const project = join(root, "tsconfig.json")
const flags = ["--project", project, "--format", "json", "--lspconfig", config]
const { stdout, stderr } = Bun.spawnSync([process.execPath, tool, "diagnostics", ...flags])

const problems: string[] = []
if (!stdout.toString().startsWith("{")) {
  problems.push(`effect-tsgo printed no report:\n${stdout}${stderr}`)
} else {
  const { diagnostics, summary } = JSON.parse(stdout.toString()) as Report
  for (const { file, line, column, severity, name, message } of diagnostics) {
    if (severity === "error" || severity === "warning") {
      problems.push(`${relative(root, file)}:${line}:${column}: ${severity}[${name}]: ${message}`)
    }
  }
  const { filesChecked, totalFiles } = summary
  if (filesChecked === 0 || filesChecked < totalFiles) {
    problems.push(`effect-tsgo checked ${filesChecked} of ${totalFiles} files`)
  }
  if (problems.length === 0) console.log(`${filesChecked} files have no diagnostics`)
}
for (const problem of problems) console.error(problem)
process.exitCode = problems.length === 0 ? 0 : 1
