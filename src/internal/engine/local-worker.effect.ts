/**
 * Workers inside this process. Each run has its own fiber. To other processes, it looks like any other run: it has an owner and
 * a control socket. Closing the scope cancels the runs and waits until they have ended. If the process dies, its runs are
 * settled like those of any lost worker.
 */
import { Cause, Duration, Effect, FiberSet, type FileSystem, Layer } from "effect"
import type { PlatformError } from "effect/PlatformError"
import type { AttendOptions } from "../../domain/engine.schema.ts"
import type { RunId } from "../../domain/ids.schema.ts"
import { toRunFacts } from "../../domain/run-summary.ts"
import { IoHub } from "../control/io-hub.effect.ts"
import { SharesProcess } from "../extensions/stray-errors.effect.ts"
import { Processes } from "../process/processes.effect.ts"
import { RunStore } from "../store/run-store.effect.ts"
import { type Settlement, settleRun } from "./settle.effect.ts"
import { workOn } from "./worker.effect.ts"

/** Ends a run whose work has stopped early: this process lives on, so no other one takes the run over. */
const settleStopped = Effect.fnUntraced(function* (runId: RunId, cause: Cause.Cause<unknown>) {
  const store = yield* RunStore
  if ((yield* store.endedRecord(runId)) !== undefined) return
  const plan = yield* store.plan(runId)
  yield* (yield* Processes).endMarked(runId, Duration.seconds(plan.limits.cancelGrace))
  const settlement: Settlement = Cause.hasInterruptsOnly(cause)
    ? { type: "run:cancelled", payload: { reason: "the engine was closed" } }
    : {
        type: "run:failed",
        payload: {
          message: `the run's worker failed: ${Cause.pretty(cause).split("\n")[0] ?? ""}`,
          cause: "worker-lost",
        },
      }
  yield* settleRun(toRunFacts(plan), settlement)
})

/** Provides the logger of a run. */
type ProvideLog = (
  runId: RunId,
) => <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E | PlatformError, R | LogNeeds>
type LogNeeds = FileSystem.FileSystem | RunStore

const carryOut = (runId: RunId, options: AttendOptions, provideLog: ProvideLog) =>
  workOn(runId, options).pipe(
    Effect.tapCause((cause) => Effect.logError(cause)),
    provideLog(runId),
    Effect.onError((cause) => Effect.ignoreCause(settleStopped(runId, cause))),
    Effect.ignoreCause,
    Effect.provideService(SharesProcess, true),
    // The output of one run only.
    Effect.provide(Layer.fresh(IoHub.layer)),
  )

/** Makes the function that starts a run's worker in this process. */
export const makeLocalWorker = Effect.fnUntraced(function* (provideLog: ProvideLog) {
  const context = yield* Effect.context<Effect.Services<ReturnType<typeof carryOut>>>()
  const running = yield* FiberSet.make()
  // Runs before the set's own finalizer, which does not wait.
  yield* Effect.addFinalizer(() => Effect.andThen(FiberSet.clear(running), FiberSet.awaitEmpty(running)))
  return (runId: RunId, options: AttendOptions) =>
    Effect.asVoid(FiberSet.run(running, Effect.provideContext(carryOut(runId, options, provideLog), context)))
})
