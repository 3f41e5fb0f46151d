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
import { liveOwner } from "../store/owner-lock.effect.ts"
import { RunStore } from "../store/run-store.effect.ts"
import { currentRecord, takeOver } from "./reconcile.effect.ts"
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

/** Kills a worker that does not come to an end, and settles its run. */
const force = Effect.fnUntraced(function* (runId: RunId, reason: string | undefined) {
  const store = yield* RunStore
  const owner = yield* liveOwner(store.paths(runId).runDir)
  if (owner !== undefined) {
    yield* signal(owner.pid, "SIGKILL")
    yield* Effect.repeat(Effect.delay(isAlive(owner), "10 millis"), { while: (alive) => alive })
  }
  const settlement = { type: "run:cancelled" as const, payload: reason === undefined ? {} : { reason } }
  return yield* takeOver(runId, settlement).pipe(Effect.catchTag("OwnerExists", () => untilEnd(runId)))
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
    const children = yield* childrenOf(runId)
    yield* Effect.forEach(children, (child) => cancelRun(child, `its parent ${runId} was cancelled`), {
      concurrency: "unbounded",
      discard: true,
    })
    const grace = Duration.seconds(limits.cancelGrace + Math.max(limits.cancelGrace, driver.cancelGrace))
    const deadline = asked ? Duration.sum(grace, patience) : Duration.zero
    const run = yield* waitForEnd(runId, deadline).pipe(
      Effect.catchTag("WaitTimeout", () => force(runId, reason)),
    )
    return { run, alreadyTerminal: false }
  },
)

/** Recursive, so its type is written down. */
type CancelNeeds = Exclude<
  Effect.Services<ReturnType<typeof force>> | Effect.Services<ReturnType<typeof connectControl>>,
  Scope.Scope
>
