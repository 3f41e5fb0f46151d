/**
 * Runs the diagnostics of Effect's language service over every file of tsconfig.json: effects that nobody runs, layers
 * that lack a service, errors typed as `unknown`.
 *
 * It promises to fail on an error, on a warning, and when a file went unchecked: without the configuration that is
 * passed here, the tool checks no file and reports success. Suggestions are not shown.
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

/** What the tool is silent about, or only suggests, and matters here. */
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
  problems.push(`effect-tsgo did not report:\n${stdout}${stderr}`)
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
  if (problems.length === 0) console.log(`${filesChecked} files without a diagnostic`)
}
for (const problem of problems) console.error(problem)
process.exitCode = problems.length === 0 ? 0 : 1
