/**
 * The process in which a program runs: `program-host.ts <plan.json> <socket> <mill and its first arguments>`. It imports neither
 * Effect nor anything of mill but types, so that it starts in the time of an empty Bun process. In a sandbox it is told
 * of no mill: `program-host.ts --guard <control socket> <plan.json> <mill …>` watches over the run from outside.
 *
 * The program is imported at its original path with its frozen contents. It has ended when its module has been
 * evaluated and nothing keeps the process alive, as under plain Bun; an error that nothing handles fails it.
 */
import { readFileSync } from "node:fs"
import { dirname } from "node:path"
import type { ProgramEnd } from "../domain/host-protocol.schema.ts"
import type { Plan, PlanSource } from "../domain/plan.schema.ts"
import { guardWord, keepGuard } from "./host/guard.ts"
import { installFrozenSources } from "./host/frozen-sources.ts"
import { findJsonProblem } from "../domain/json-problem.ts"
import { millGlobal } from "./host/mill-global.ts"
import { describeFailure } from "./host/program-error.ts"
import { connect } from "./host/rpc-client.ts"
import { settleRun } from "./host/settle-run.ts"

if (process.argv[2] === guardWord) {
  const [socket = "", plan = "", ...mill] = process.argv.slice(3)
  await keepGuard(socket, plan, mill)
}
const [planFile = "", socketPath = "", ...mill] = process.argv.slice(2)
// The worker has validated the plan and written it where nobody else writes.
const plan = JSON.parse(readFileSync(planFile, "utf8")) as Plan
const { invocation, programPath } = plan

const frozen = (source: PlanSource) => {
  const contents = readFileSync(`${dirname(planFile)}/sources/${source.loadAs ?? source.sha256}`, "utf8")
  return { ...source, contents }
}

let ended = false

/** The worker is gone: have the run brought to its end, which ends its agents, and this process too. */
const workerGone = () => {
  settleRun(mill, planFile)
  process.exit(1)
}
// It may have gone before there was anything to hang up.
const client = await connect(socketPath, workerGone).catch(workerGone)

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
  const problem = findJsonProblem(result)
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
/** How often nothing was left to do. */
let idle = 0
const oneMoreTurn = () => void setImmediate(() => undefined)
process.on("beforeExit", () => {
  idle += 1
  // Bun asks this before it tells of rejections that nothing handles: they may fail the program yet.
  if (idle === 1) return oneMoreTurn()
  // Said by the program itself, as under plain Bun: the worker is told by the exit.
  if (settled !== undefined && Number(process.exitCode ?? 0) !== 0) process.exit()
  if (settled !== undefined && idle === 2) {
    oneMoreTurn()
    return void complete(settled.value).catch(fail)
  }
  const what = settled === undefined ? "a top-level await" : "its default export is a promise"
  void end({ type: "failed", message: `the program waits for something that can never happen (${what})` })
})

Object.defineProperty(globalThis, "mill", { value: millGlobal(client, plan), enumerable: true })
process.argv.splice(1, process.argv.length, programPath, ...invocation.args)
installFrozenSources(plan.program.map(frozen))
// Not awaited at the top level: a module that waits for ever would keep Bun spinning instead of letting it drain.
const evaluate = async () => {
  const module: { readonly default?: unknown } = await import(programPath)
  settled = { value: module.default }
}
evaluate().catch(fail)
