/**
 * The process in which a program runs: `program-host.ts <plan.json> <socket> <mill and its first arguments>`. It does not
 * import Effect, so that it starts as fast as an empty Bun process. In a sandbox it gets no mill: there
 * `program-host.ts --guard <control socket> <plan.json> <mill …>` watches the run from outside.
 *
 * The program is imported at its original path with its frozen contents. It ends when its module has been evaluated and
 * nothing keeps the process alive, as under plain Bun; an unhandled error fails it.
 */
import { readFileSync } from "node:fs"
import { dirname } from "node:path"
import type { ProgramEnd } from "../domain/host-protocol.schema.ts"
import type { Plan, PlanSource } from "../domain/plan.schema.ts"
import { chooseDefault, columnShifts, readExports } from "./host/common-js.ts"
import { guardWord, keepGuard } from "./host/guard.ts"
import { installFrozenSources } from "./host/frozen-sources.ts"
import { findJsonProblem } from "../domain/json-problem.ts"
import { makeMillGlobal } from "./host/mill-global.ts"
import { describeFailure } from "./host/program-error.ts"
import { connect } from "./host/rpc-client.ts"
import { readCreatedAt } from "../domain/run-time.ts"
import { startSettling } from "./host/start-settling.ts"

if (process.argv[2] === guardWord) {
  const [socket = "", plan = "", ...mill] = process.argv.slice(3)
  await keepGuard(socket, plan, mill)
}
const [planFile = "", socketPath = "", ...mill] = process.argv.slice(2)
// The worker validated the plan and wrote it to a private folder.
const plan = JSON.parse(readFileSync(planFile, "utf8")) as Plan
const { invocation, programPath } = plan

const readSource = (source: PlanSource) => {
  const contents = readFileSync(`${dirname(planFile)}/sources/${source.loadAs ?? source.sha256}`, "utf8")
  return { ...source, contents }
}

let hasEnded = false

/** Called when the worker is gone: settling the run kills its agents, and this process. */
const onWorkerGone = () => {
  startSettling(mill, planFile)
  process.exit(1)
}
// The worker may be gone before there is a connection to close.
const client = await connect(socketPath, onWorkerGone).catch(onWorkerGone)

const own = new Set(plan.program.map(({ path }) => path))
for (const { columnShift = 0, path } of plan.program) columnShifts.set(path, columnShift)

/** Reports to the worker how the program ended, once, and exits. */
const end = async (outcome: ProgramEnd) => {
  if (hasEnded) return
  hasEnded = true
  await client.call("end", { end: outcome })
  process.exit(outcome.type === "complete" ? 0 : 1)
}
const fail = (thrown: unknown) => end({ type: "failed", ...describeFailure(thrown, own, columnShifts) })

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

// A program's own handlers take precedence: an error that they handle does not fail it.
for (const event of ["uncaughtException", "unhandledRejection"] as const) {
  process.on(event, (error: unknown) => {
    if (process.listenerCount(event) === 1) void fail(error)
  })
}

let settled: { readonly value: unknown } | undefined
/** How often the event loop has run empty. */
let idleCount = 0
const takeAnotherTurn = () => void setImmediate(() => undefined)
process.on("beforeExit", () => {
  idleCount += 1
  // Bun emits this event before it reports unhandled rejections, which may yet fail the program.
  if (idleCount === 1) return takeAnotherTurn()
  // The program set its own exit code, as under plain Bun: the worker sees the exit.
  if (settled !== undefined && Number(process.exitCode ?? 0) !== 0) process.exit()
  if (settled !== undefined && idleCount === 2) {
    takeAnotherTurn()
    return void complete(settled.value).catch(fail)
  }
  const what = settled === undefined ? "a top-level await" : "its default export"
  void end({ type: "failed", message: `the program waits for a promise that never settles (${what})` })
})

Object.defineProperty(globalThis, "mill", { value: makeMillGlobal(client, plan), enumerable: true })
process.argv.splice(1, process.argv.length, programPath, ...invocation.args)
// `import.meta.main` is true in the program, as under plain Bun.
Reflect.set(Bun, "main", programPath)
installFrozenSources(plan.program.map(readSource), {}, readCreatedAt(invocation.runId))

/** The result of a CommonJS program. Undefined if it exports nothing. */
const readCommonJsResult = () => {
  const exports = readExports(programPath)
  const isEmpty = Bun.deepEquals(exports, {}, true)
  return isEmpty ? undefined : chooseDefault(exports)
}

// Not awaited at the top level: Bun would spin on a module that waits forever, and never emit `beforeExit`.
const evaluate = async () => {
  const module: { readonly default?: unknown } = await import(programPath)
  settled = { value: plan.program[0]?.format === "commonjs" ? readCommonJsResult() : module.default }
}
evaluate().catch(fail)
