/**
 * One run in its worker, from `run:start` to its one terminal event and its snapshots. Whatever ends the program, the
 * spawns that still run have their terminal events, and no process of the run is left, before the run has its own.
 */
import { DateTime, Deferred, Duration, Effect, Fiber } from "effect"
import type { EventBody } from "../../domain/event.schema.ts"
import type { Plan } from "../../domain/plan.schema.ts"
import { makeRunResult } from "../../domain/run-summary.ts"
import { Settings } from "../config/settings.effect.ts"
import { makeDriver } from "../drivers/make-driver.effect.ts"
import { makeExecutor } from "../executors/executor-registry.effect.ts"
import { type HostEnd, runProgram } from "../executors/program-process.effect.ts"
import type { Extensions } from "../extensions/extensions.effect.ts"
import { verifyPlan } from "../plan/verify.effect.ts"
import { endMarkedProcesses } from "../process/process-tree.effect.ts"
import { type EventLog, openEventLog } from "../store/event-log.effect.ts"
import { RunStore } from "../store/run-store.effect.ts"
import { writeSnapshots } from "./snapshots.effect.ts"
import { makeSpawner } from "./spawner.effect.ts"

/** A request to end the run. */
export type CancelRequest = { readonly reason?: string }

/** Where requests to end the run arrive; the first one counts. */
export type Cancellation = Deferred.Deferred<CancelRequest>

/** What ended the work on the run. */
type End = HostEnd | { readonly type: "cancelled"; readonly reason?: string }

/** Carries a run out. It ends with the run's record on the disk, or fails when the disk does not take it. */
export const carryOutRun = Effect.fn("Run.carryOut")(function* (
  plan: Plan,
  cancellation: Cancellation,
  extensions: Extensions,
) {
  const { pid } = yield* Settings
  const store = yield* RunStore
  const { invocation, limits } = plan
  const { runId } = invocation
  const paths = store.paths(runId)
  const log = yield* openEventLog(runId, paths.eventsFile, extensions.listener)
  yield* log.append(startOf(plan))
  yield* store.writeRecord(plan, log.state())

  const work = Effect.gen(function* () {
    const frozen = yield* verifyPlan(plan)
    const driver = yield* makeDriver(plan.driver, frozen.driver)
    const executor = yield* makeExecutor(plan, paths, frozen.executor)
    const spawner = yield* makeSpawner({
      runId,
      paths,
      cwd: invocation.cwd,
      depth: invocation.depth,
      driver,
      log,
    })
    const program = yield* extensions.start(frozen.config.extensions ?? [], log).pipe(
      Effect.andThen(
        runProgram(plan, paths, executor, {
          spawn: spawner.spawn,
          call: extensions.call,
          log: (message) => Effect.ignore(log.append({ type: "run:log", payload: { message } })),
        }),
      ),
      Effect.scoped,
      Effect.forkScoped,
    )
    const cancelled = Effect.map(Deferred.await(cancellation), (request): End => ({
      type: "cancelled",
      ...request,
    }))
    const end = yield* Effect.raceAllFirst([
      Effect.map(Fiber.join(program), (end): End => end),
      cancelled,
      log.failure,
    ]).pipe(Effect.onError(() => spawner.cancelAll("the run cannot be recorded")))
    const { body, spawns } = endingOf(end)
    if (end.type === "cancelled") yield* log.append(cancelling)
    yield* Effect.all(
      [Fiber.interrupt(program), spawns === undefined ? spawner.idle : spawner.cancelAll(spawns)],
      { concurrency: "unbounded", discard: true },
    )
    return body
  }).pipe(Effect.scoped)

  const body = yield* Effect.catchTags(work, { ConfigError: notStarted, LaunchError: notStarted })
  yield* endMarkedProcesses(runId, pid, Duration.seconds(limits.cancelGrace))
  yield* extensions.beforeEnd
  yield* log.append(body.type === "run:complete" ? yield* completion(plan, log, body.result) : body)
  return yield* writeSnapshots(plan, log.state())
}, Effect.scoped)

const startOf = ({ invocation, planId, programPath }: Plan): EventBody => ({
  type: "run:start",
  payload: {
    programPath,
    planId,
    ...(invocation.parentRunId === undefined ? {} : { parentRunId: invocation.parentRunId }),
    ...(invocation.parentSpawnId === undefined ? {} : { parentSpawnId: invocation.parentSpawnId }),
  },
})

const cancelling: EventBody = { type: "run:status", payload: { status: "running", cancelling: true } }

type Complete = {
  readonly type: "run:complete"
  readonly result: Extract<HostEnd, { type: "complete" }>["result"]
}
type Ending = Extract<EventBody, { readonly type: "run:failed" | "run:cancelled" }>

const failed = (message: string, cause: "program-error" | "program-exit", location?: string): Ending => ({
  type: "run:failed",
  payload: { message, cause, ...(location === undefined ? {} : { location }) },
})

const notStarted = ({ message }: { readonly message: string }) =>
  Effect.succeed(failed(message, "program-error"))

/** What the end of the work means for the run, and why its spawns are cancelled, if they are. */
const endingOf = (end: End): { readonly body: Complete | Ending; readonly spawns?: string } => {
  switch (end.type) {
    case "complete":
      return { body: { type: "run:complete", result: end.result } }
    case "failed":
      return { body: failed(end.message, "program-error", end.location), spawns: "the program failed" }
    case "cancelled": {
      const payload = end.reason === undefined ? {} : { reason: end.reason }
      return { body: { type: "run:cancelled", payload }, spawns: end.reason ?? "the run was cancelled" }
    }
    case "exited": {
      const spawns = "the program exited"
      const { exit } = end
      if (exit._tag === "Signal") {
        return { body: failed(`the program's process was killed by ${exit.signal}`, "program-exit"), spawns }
      }
      return exit.code === 0
        ? { body: { type: "run:complete", result: undefined }, spawns }
        : { body: failed(`the program exited with code ${exit.code}`, "program-exit"), spawns }
    }
  }
}

const completion = Effect.fnUntraced(function* (
  plan: Plan,
  log: EventLog,
  programResult: Complete["result"],
) {
  const completedAt = DateTime.formatIso(yield* DateTime.now)
  const state = programResult === undefined ? log.state() : { ...log.state(), programResult }
  const result = makeRunResult(plan.invocation.runId, state, "complete", completedAt)
  return { type: "run:complete", payload: { result } } satisfies EventBody
})
