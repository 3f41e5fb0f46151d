/**
 * Ends a run for good, from any process: asks its worker, which ends the program and the agents and writes how it
 * ended. A worker that does not come to an end is killed, and the run settled here. Runs that were started inside the
 * run are cancelled with it. The first end counts; who comes later is told of it.
 */
import { Duration, Effect, Schedule, type Scope } from "effect"
import type { RunId } from "../../domain/ids.schema.ts"
import { isTerminalStatus, type RunRecord } from "../../domain/run.schema.ts"
import { connectControl } from "../control/control-client.effect.ts"
import { signal } from "../process/process-tree.effect.ts"
import { isAlive } from "../process/process-identity.effect.ts"
import type { LogError } from "../store/event-log-reader.effect.ts"
import { lastOwner } from "../store/owner-lock.effect.ts"
import { RunStore } from "../store/run-store.effect.ts"
import { currentRecord, launchedProcess, takeOver } from "./reconcile.effect.ts"
import { untilEnd, waitForEnd } from "./wait.effect.ts"

/** What became of a request to cancel. */
export type Cancellation = { readonly run: RunRecord; readonly alreadyTerminal: boolean }

/** What a worker may take beyond the grace periods to write how the run ended. */
const patience = Duration.seconds(5)

/** How long a worker may take to answer. */
const answerPatience = Duration.seconds(2)

/** Live runs that were started inside the run: they are newer than it. */
const childrenOf = Effect.fnUntraced(function* (runId: RunId) {
  const store = yield* RunStore
  const newer = (yield* store.names).filter((name) => name > runId)
  const records = yield* Effect.forEach(newer, store.snapshot, { concurrency: 16 })
  return records.flatMap((record) =>
    record?.parentRunId === runId && !isTerminalStatus(record.status) ? [record.id] : [],
  )
})

/** The run's worker, or who was started to be it; nobody when the run has another owner, who settles it. */
const workerOf = Effect.fnUntraced(function* (runId: RunId) {
  const paths = (yield* RunStore).paths(runId)
  const last = yield* lastOwner(paths.runDir)
  if (last === undefined) return yield* launchedProcess(paths)
  return last.generation === 1 ? last.identity : undefined
})

/** Kills a worker that does not come to an end, and settles its run. */
const force = Effect.fnUntraced(function* (runId: RunId, reason: string | undefined) {
  const worker = yield* workerOf(runId)
  if (worker !== undefined && (yield* isAlive(worker))) {
    yield* signal(worker.pid, "SIGKILL")
    yield* Effect.repeat(Effect.delay(isAlive(worker), "10 millis"), { while: (alive) => alive })
  }
  const settlement = { type: "run:cancelled" as const, payload: reason === undefined ? {} : { reason } }
  return yield* takeOver(runId, settlement)
})

/** Ends what was started inside the run, with a reason that names it. */
export const cancelChildren = Effect.fnUntraced(function* (runId: RunId) {
  const cancel = (child: RunId) => cancelRun(child, `its parent ${runId} was cancelled`)
  yield* Effect.forEach(yield* childrenOf(runId), cancel, { concurrency: "unbounded", discard: true })
})

/** Cancels the run and what was started inside it; `reason` goes to its log. */
export const cancelRun: (
  runId: RunId,
  reason: string | undefined,
) => Effect.Effect<Cancellation, LogError, CancelNeeds> = Effect.fn("Engine.cancel")(
  function* (runId, reason) {
    const store = yield* RunStore
    const before = yield* currentRecord(runId)
    if (isTerminalStatus(before.status)) return { run: before, alreadyTerminal: true }
    const { driver, limits } = yield* store.plan(runId)
    // A worker that has just been started listens in a moment.
    const asked = yield* connectControl(runId).pipe(
      Effect.flatMap((client) => client.cancel(reason === undefined ? {} : { reason })),
      Effect.scoped,
      Effect.retry({ while: (error) => error._tag === "NoWorker", schedule: Schedule.spaced("20 millis") }),
      Effect.timeout(answerPatience),
      Effect.isSuccess,
    )
    yield* cancelChildren(runId)
    // The connections of an HTTP driver end at once.
    const agentGrace = driver.type === "process" ? driver.cancelGrace : 0
    const grace = Duration.seconds(limits.cancelGrace + Math.max(limits.cancelGrace, agentGrace))
    const last = yield* lastOwner(store.paths(runId).runDir)
    // Only the first owner is a worker: another one settles the run, and is no less quick than we are.
    const ending = asked || (last !== undefined && last.generation > 1)
    const deadline = ending ? Duration.sum(grace, patience) : Duration.zero
    const run = yield* waitForEnd(runId, deadline).pipe(
      Effect.catchTag("WaitTimeout", () => force(runId, reason)),
      // Somebody else settles the run, or a worker has just taken it over after all: it is killed then.
      Effect.retry({
        while: (error) => error._tag === "OwnerExists",
        schedule: Schedule.spaced("100 millis"),
      }),
      Effect.catchTag("OwnerExists", () => untilEnd(runId)),
    )
    // One may have been started while the run came to its end; now there is nobody left to start any.
    yield* cancelChildren(runId)
    return { run, alreadyTerminal: false }
  },
)

/** Recursive, so its type is written down. */
type CancelNeeds = Exclude<
  Effect.Services<ReturnType<typeof force>> | Effect.Services<ReturnType<typeof connectControl>>,
  Scope.Scope
>
