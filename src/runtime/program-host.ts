/**
 * The process in which a program runs: `bun --no-install program-host.ts <plan.json> <socket>`. It imports neither
 * Effect nor anything of mill but types, so that it starts in the time of an empty Bun process.
 *
 * The program is imported at its original path with its frozen contents. It has ended when its module has been
 * evaluated and nothing keeps the process alive, as under plain Bun; an error that nothing handles fails it.
 */
import { readFileSync } from "node:fs"
import { dirname } from "node:path"
import type { ProgramEnd } from "../domain/host-protocol.schema.ts"
import type { Plan, PlanSource } from "../domain/plan.schema.ts"
import { installFrozenSources } from "./host/frozen-sources.ts"
import { jsonProblem } from "./host/json-problem.ts"
import { millGlobal } from "./host/mill-global.ts"
import { describeFailure } from "./host/program-error.ts"
import { connect } from "./host/rpc-client.ts"

const [planFile = "", socketPath = ""] = process.argv.slice(2)
// The worker has validated the plan and written it where nobody else writes.
const plan = JSON.parse(readFileSync(planFile, "utf8")) as Plan
const { invocation, programPath } = plan

/** A program asks whether it is the main module; here the host is. Same length, so that columns stay. */
const asMain = (contents: string): string =>
  contents.replaceAll(/\bimport\.meta\.main\b/g, "(import.meta,!0)")

const frozen = (source: PlanSource) => {
  const contents = readFileSync(`${dirname(planFile)}/sources/${source.loadAs ?? source.sha256}`, "utf8")
  return { ...source, contents: source.path === programPath ? asMain(contents) : contents }
}

let ended = false
const client = await connect(socketPath, () => process.exit(ended ? 0 : 1))

const own = new Set(plan.program.map(({ path }) => path))
const shifts = new Map(plan.program.map(({ columnShift = 0, path }) => [path, columnShift]))

/** Tells the worker how the program ended, once, and leaves. */
const end = async (how: ProgramEnd) => {
  if (ended) return
  ended = true
  await client.call("end", { end: how })
  process.exit(how.type === "complete" ? 0 : 1)
}
const fail = (thrown: unknown) => end({ type: "failed", ...describeFailure(thrown, own, shifts) })

const complete = async (value: unknown) => {
  const result: unknown = await value
  const problem = jsonProblem(result)
  if (problem !== undefined) {
    return end({ type: "failed", message: `the program's result is not JSON: ${problem}` })
  }
  return end(
    result === undefined
      ? { type: "complete" }
      : { type: "complete", result: JSON.parse(JSON.stringify(result)) },
  )
}

// A program's own handlers come first: what it handles does not fail it.
for (const event of ["uncaughtException", "unhandledRejection"] as const) {
  process.on(event, (error: unknown) => {
    if (process.listenerCount(event) === 1) void fail(error)
  })
}

let settled: { readonly value: unknown } | undefined
process.on("beforeExit", () => {
  if (settled === undefined) {
    void end({
      type: "failed",
      message: "the program waits for something that can never happen (a top-level await)",
    })
  } else {
    complete(settled.value).catch(fail)
  }
})

Object.defineProperty(globalThis, "mill", { value: millGlobal(client, invocation), enumerable: true })
process.argv.splice(1, process.argv.length, programPath, ...invocation.args)
installFrozenSources(plan.program.map(frozen))
// Not awaited at the top level: a module that waits for ever would keep Bun spinning instead of letting it drain.
const evaluate = async () => {
  const module: { readonly default?: unknown } = await import(programPath)
  settled = { value: module.default }
}
evaluate().catch(fail)
