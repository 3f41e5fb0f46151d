/**
 * One run in its worker, from `run:start` to its one terminal event and its snapshots. Whatever ends the program, the
 * spawns that still run have their terminal events before the run has its own.
 */
import { DateTime, Effect } from "effect"
import type { ConfigError, LaunchError, StoreError } from "../../domain/error.schema.ts"
import type { EventBody } from "../../domain/event.schema.ts"
import type { Plan } from "../../domain/plan.schema.ts"
import { runResult } from "../../domain/run-summary.schema.ts"
import type { Driver } from "../drivers/driver.effect.ts"
import type { Executor } from "../executors/executor.effect.ts"
import { type HostEnd, runProgram } from "../executors/program-process.effect.ts"
import { type EventLog, openEventLog } from "../store/event-log.effect.ts"
import { RunStore } from "../store/run-store.effect.ts"
import { writeSnapshots } from "./snapshots.effect.ts"
import { makeSpawner } from "./spawner.effect.ts"

/** Carries a run out. It ends with the run's record on the disk, or fails when the disk does not take it. */
export const carryOutRun = Effect.fn("Run.carryOut")(function* <R>(
  plan: Plan,
  makeDriver: Effect.Effect<Driver, ConfigError | LaunchError | StoreError, R>,
  executor: Executor,
) {
  const store = yield* RunStore
  const { invocation } = plan
  const { runId } = invocation
  const paths = store.paths(runId)
  const log = yield* openEventLog(runId, paths.eventsFile)
  yield* log.append(startOf(plan))
  const body = yield* Effect.gen(function* () {
    const driver = yield* makeDriver
    const spawner = yield* makeSpawner({
      runId,
      paths,
      cwd: invocation.cwd,
      depth: invocation.depth,
      driver,
      log,
    })
    const end = yield* runProgram(plan, paths, executor, {
      spawn: spawner.spawn,
      log: (message) => Effect.ignore(log.append({ type: "run:log", payload: { message } })),
    }).pipe(Effect.scoped)
    const { body, spawns } = endingOf(end)
    if (spawns === undefined) yield* spawner.idle
    else yield* spawner.cancelAll(spawns)
    return body
  }).pipe(
    Effect.catchTags({ ConfigError: notStarted, LaunchError: notStarted, StoreError: notStarted }),
    Effect.raceFirst(log.failure),
  )
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

const notStarted = ({ message }: { readonly message: string }) =>
  Effect.succeed<Failed>({ type: "run:failed", payload: { message, cause: "program-error" } })

type Complete = {
  readonly type: "run:complete"
  readonly result: Extract<HostEnd, { type: "complete" }>["result"]
}
type Failed = Extract<EventBody, { readonly type: "run:failed" }>

/** What the end of the program means for the run, and why its spawns are cancelled, if they are. */
const endingOf = (end: HostEnd): { readonly body: Complete | Failed; readonly spawns?: string } => {
  switch (end.type) {
    case "complete":
      return { body: { type: "run:complete", result: end.result } }
    case "failed": {
      const { location, message } = end
      const payload = {
        message,
        cause: "program-error" as const,
        ...(location === undefined ? {} : { location }),
      }
      return { body: { type: "run:failed", payload }, spawns: "the program failed" }
    }
    case "exited": {
      const spawns = "the program exited"
      if (end.exit._tag === "Code" && end.exit.code === 0)
        return { body: { type: "run:complete", result: undefined }, spawns }
      const message =
        end.exit._tag === "Code"
          ? `the program exited with code ${end.exit.code}`
          : `the program's process was killed by ${end.exit.signal}`
      return { body: { type: "run:failed", payload: { message, cause: "program-exit" } }, spawns }
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
  const result = runResult(plan.invocation.runId, state, "complete", completedAt)
  return { type: "run:complete", payload: { result } } satisfies EventBody
})
