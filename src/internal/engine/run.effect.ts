/**
 * One run in its worker, from `run:start` to its one terminal event and its snapshots. However the program ends, every
 * spawn has its terminal event, and no process of the run is left, before the run gets its own.
 */
import { DateTime, Deferred, Duration, Effect, Fiber } from "effect"
import type { EventBody } from "../../domain/event.schema.ts"
import type { Plan } from "../../domain/plan.schema.ts"
import { makeRunResult, toRunFacts } from "../../domain/run-summary.ts"
import { makeDriver } from "../drivers/make-driver.effect.ts"
import { makeExecutor } from "../executors/executor-registry.effect.ts"
import { type HostEnd, runProgram } from "../executors/program-process.effect.ts"
import type { Extensions } from "../extensions/extensions.effect.ts"
import { verifyPlan } from "../plan/verify.effect.ts"
import { Processes } from "../process/processes.effect.ts"
import { type EventLog, openEventLog } from "../store/event-log.effect.ts"
import { RunStore } from "../store/run-store.effect.ts"
import { writeSnapshots } from "./snapshots.effect.ts"
import { makeSpawner } from "./spawner.effect.ts"

export type CancelRequest = { readonly reason?: string | undefined }

/** Completed by the first request to cancel the run. */
export type CancelSignal = Deferred.Deferred<CancelRequest>

/** What ended the work on the run. */
type End = HostEnd | ({ readonly type: "cancelled" } & CancelRequest)

/** Carries a run out and returns its final record. Fails when the run cannot be written to disk. */
export const carryOutRun = Effect.fn("Run.carryOut")(function* (
  plan: Plan,
  cancelSignal: CancelSignal,
  extensions: Extensions,
) {
  const processes = yield* Processes
  const store = yield* RunStore
  const { invocation, limits } = plan
  const { runId } = invocation
  const paths = store.paths(runId)
  const log = yield* openEventLog(runId, paths.eventsFile, extensions.listener)
  yield* log.append(toStartEvent(plan))
  // The change from pending to running, for readers that follow the status.
  yield* log.append(running)
  yield* store.writeRecord(toRunFacts(plan), log.state())

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
    const cancelled = Effect.map(Deferred.await(cancelSignal), (request): End => ({
      type: "cancelled",
      ...request,
    }))
    const end = yield* Effect.raceAllFirst([
      Effect.map(Fiber.join(program), (end): End => end),
      cancelled,
      log.failure,
    ]).pipe(Effect.onError(() => spawner.cancelAll("the event log cannot be written")))
    const { body, cancelSpawns } = decideEnding(end)
    if (end.type === "cancelled") yield* log.append(cancelling)
    yield* Effect.all(
      [
        Fiber.interrupt(program),
        cancelSpawns === undefined ? spawner.awaitIdle : spawner.cancelAll(cancelSpawns),
      ],
      { concurrency: "unbounded", discard: true },
    )
    return body
  }).pipe(Effect.scoped)

  const body = yield* Effect.catchTags(work, { ConfigError: toFailure, LaunchError: toFailure })
  yield* processes.endMarked(runId, Duration.seconds(limits.cancelGrace))
  yield* extensions.beforeEnd
  yield* log.append(body.type === "run:complete" ? yield* makeCompletion(plan, log, body.result) : body)
  return yield* writeSnapshots(toRunFacts(plan), log.state())
}, Effect.scoped)

const toStartEvent = ({ invocation, planId, programPath }: Plan): EventBody => ({
  type: "run:start",
  payload: {
    programPath,
    planId,
    parentRunId: invocation.parentRunId,
    parentSpawnId: invocation.parentSpawnId,
  },
})

const running: EventBody = { type: "run:status", payload: { status: "running" } }
const cancelling: EventBody = { type: "run:status", payload: { status: "running", cancelling: true } }

type Complete = {
  readonly type: "run:complete"
  readonly result: Extract<HostEnd, { type: "complete" }>["result"]
}
type Ending = Extract<EventBody, { readonly type: "run:failed" | "run:cancelled" }>

const makeFailure = (
  message: string,
  cause: "program-error" | "program-exit",
  location?: string,
): Ending => ({
  type: "run:failed",
  payload: { message, cause, location },
})

/** The program could not be started. */
const toFailure = ({ message }: { readonly message: string }) =>
  Effect.succeed(makeFailure(message, "program-error"))

/** How the run ends, and the reason to cancel its spawns, if they are to be cancelled. */
const decideEnding = (end: End): { readonly body: Complete | Ending; readonly cancelSpawns?: string } => {
  switch (end.type) {
    case "complete":
      return { body: { type: "run:complete", result: end.result } }
    case "failed":
      return {
        body: makeFailure(end.message, "program-error", end.location),
        cancelSpawns: "the program failed",
      }
    case "cancelled": {
      const { reason } = end
      return {
        body: { type: "run:cancelled", payload: { reason } },
        cancelSpawns: reason ?? "the run was cancelled",
      }
    }
    case "exited": {
      const cancelSpawns = "the program exited"
      const { exit } = end
      if (exit._tag === "Signal") {
        const message = `the program's process was killed by ${exit.signal}`
        return { body: makeFailure(message, "program-exit"), cancelSpawns }
      }
      return exit.code === 0
        ? { body: { type: "run:complete", result: undefined }, cancelSpawns }
        : { body: makeFailure(`the program exited with code ${exit.code}`, "program-exit"), cancelSpawns }
    }
  }
}

const makeCompletion = Effect.fnUntraced(function* (
  plan: Plan,
  log: EventLog,
  programResult: Complete["result"],
) {
  const completedAt = DateTime.formatIso(yield* DateTime.now)
  const result = makeRunResult(
    plan.invocation.runId,
    { ...log.state(), programResult },
    "complete",
    completedAt,
  )
  return { type: "run:complete", payload: { result } } satisfies EventBody
})
