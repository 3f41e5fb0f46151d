/**
 * Cancels a run from any process. The run's worker is asked to end the program and the agents and to record the end; a
 * worker that does not finish in time is killed, and its run is settled here. Nested runs are cancelled too. A run that
 * has already ended keeps its status.
 */
import { Duration, Effect, Schedule, type Scope } from "effect"
import { defined } from "../../domain/defined.ts"
import type { Cancellation } from "../../domain/engine.schema.ts"
import { type LogError, StoreError } from "../../domain/error.schema.ts"
import type { RunId } from "../../domain/ids.schema.ts"
import { isTerminalStatus } from "../../domain/run.schema.ts"
import { Processes } from "../process/processes.effect.ts"
import { readLastOwner } from "../store/owner-lock.effect.ts"
import { RunStore } from "../store/run-store.effect.ts"
import { reachWorker } from "./reach-worker.effect.ts"
import { reconcileRun, readLaunchedProcess, takeOver } from "./reconcile.effect.ts"
import { awaitEnd, waitForEnd } from "./wait.effect.ts"

/** How long a worker may take, beyond the grace periods, to record the end of the run. */
const endTimeout = Duration.seconds(5)

/** How long a worker may take to die when it is killed. */
const killTimeout = Duration.seconds(10)

/** How long a worker may take to answer. */
const answerTimeout = Duration.seconds(2)

/** Finds the live runs that were started inside the run; their ids are newer. */
const findChildren = Effect.fnUntraced(function* (runId: RunId) {
  const store = yield* RunStore
  const newer = (yield* store.names).filter((name) => name > runId)
  const records = yield* Effect.forEach(newer, store.snapshot, { concurrency: 16 })
  return records.flatMap((record) =>
    record?.parentRunId === runId && !isTerminalStatus(record.status) ? [record.id] : [],
  )
})

/** Finds the run's worker, or the process started to become it. None when another owner is settling the run. */
const findWorker = Effect.fnUntraced(function* (runId: RunId) {
  const paths = (yield* RunStore).paths(runId)
  const last = yield* readLastOwner(paths.runDir)
  if (last === undefined) return yield* readLaunchedProcess(paths)
  return last.generation === 1 ? last.identity : undefined
})

const forceEnd = Effect.fnUntraced(function* (runId: RunId, reason: string | undefined) {
  const processes = yield* Processes
  const worker = yield* findWorker(runId)
  if (worker !== undefined && (yield* processes.isAlive(worker))) {
    yield* processes.signal(worker.pid, "SIGKILL")
    if (!(yield* processes.awaitGone(worker, killTimeout))) {
      return yield* new StoreError({
        path: (yield* RunStore).paths(runId).runDir,
        message: `cannot cancel ${runId}: its worker (process ${worker.pid}) did not exit after SIGKILL`,
        hint: "the process is blocked in the kernel; cancel the run again once the process has exited",
      })
    }
  }
  return yield* takeOver(runId, { type: "run:cancelled", payload: { reason } })
})

/** Cancels the runs that were started inside the run, with a reason that names it. */
export const cancelChildren = Effect.fnUntraced(function* (runId: RunId) {
  const cancel = (child: RunId) => cancelRun(child, `its parent ${runId} was cancelled`)
  yield* Effect.forEach(yield* findChildren(runId), cancel, { concurrency: "unbounded", discard: true })
})

/** Cancels the run and the runs inside it. `reason` is written to its log. */
export const cancelRun: (
  runId: RunId,
  reason: string | undefined,
) => Effect.Effect<Cancellation, LogError, CancelNeeds> = Effect.fn("Engine.cancel")(
  function* (runId, reason) {
    const store = yield* RunStore
    const before = yield* reconcileRun(runId)
    if (isTerminalStatus(before.status)) return { run: before, alreadyTerminal: true }
    const { driver, limits } = yield* store.plan(runId)
    const asked = yield* reachWorker(runId).pipe(
      // A worker of an earlier version refuses the null that an undefined reason becomes.
      Effect.flatMap((client) => client.cancel(defined({ reason }))),
      Effect.scoped,
      Effect.timeout(answerTimeout),
      Effect.isSuccess,
    )
    yield* cancelChildren(runId)
    // An HTTP driver closes its connections at once.
    const agentGrace = driver.type === "process" ? driver.cancelGrace : 0
    const grace = Duration.seconds(limits.cancelGrace + Math.max(limits.cancelGrace, agentGrace))
    const last = yield* readLastOwner(store.paths(runId).runDir)
    // The first owner is the worker; a later one is already settling the run.
    const isEnding = asked || (last !== undefined && last.generation > 1)
    const timeLimit = isEnding ? Duration.sum(grace, endTimeout) : Duration.zero
    const run = yield* waitForEnd(runId, timeLimit).pipe(
      Effect.catchTag("WaitTimeout", () => forceEnd(runId, reason)),
      // Another process is settling the run, or a late worker has just taken it: try again and kill that worker.
      Effect.retry({
        while: (error) => error._tag === "OwnerExists",
        schedule: Schedule.spaced("100 millis"),
      }),
      Effect.catchTag("OwnerExists", () => awaitEnd(runId)),
    )
    // A nested run may have started meanwhile; from now on, none can.
    yield* cancelChildren(runId)
    return { run, alreadyTerminal: false }
  },
)

/** `cancelRun` is recursive, so its type is written out. */
type CancelNeeds = Exclude<
  Effect.Services<ReturnType<typeof forceEnd>> | Effect.Services<ReturnType<typeof reachWorker>>,
  Scope.Scope
>
