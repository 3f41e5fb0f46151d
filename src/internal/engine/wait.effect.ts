/**
 * Waits for the end of a run: until `run.json`, which is written last, has a terminal status. The worker closes its connections
 * after writing that file, and the kernel closes them when the worker dies. While no worker can be reached, because it is
 * starting, exiting or dead, mill polls the file.
 */
import { Duration, Effect, Schedule } from "effect"
import { type LogError, WaitTimeout } from "../../domain/error.schema.ts"
import type { RunId } from "../../domain/ids.schema.ts"
import { isTerminalStatus } from "../../domain/run.schema.ts"
import { connectWorker } from "../control/worker-connection.effect.ts"
import { addLogEnds } from "../store/run-record.effect.ts"
import { RunStore } from "../store/run-store.effect.ts"
import { reconcileRun, settleIfLost } from "./reconcile.effect.ts"

/** How often to read the file while no worker can be reached: often at first, because workers start and exit quickly. */
const firstPause = 5
const longestPause = 100

/** How often to read the file while a worker is connected: workers of earlier versions close their connections late. */
const checkInterval = "250 millis"

/** The end of a run whose files are damaged: there may be no snapshot to wait for. */
const salvageEnd = Effect.fnUntraced(function* (runId: RunId, error: LogError) {
  const record = yield* reconcileRun(runId)
  return isTerminalStatus(record.status) ? record : yield* error
})

/** Waits for the end of the run and returns its record. */
export const awaitEnd = Effect.fnUntraced(
  function* (runId: RunId) {
    const { endedRecord } = yield* RunStore
    const check = Effect.tap(endedRecord(runId), (ended) =>
      ended === undefined ? settleIfLost(runId) : Effect.void,
    )
    const checkUntilEnd = Effect.repeat(check, {
      until: (ended) => ended !== undefined,
      schedule: Schedule.spaced(checkInterval),
    })
    /** Waits while a worker is connected. Returns whether there was one. */
    const attend = connectWorker(runId).pipe(
      Effect.flatMap(({ closed }) => Effect.raceFirst(closed, checkUntilEnd)),
      Effect.as(true),
      Effect.scoped,
      Effect.catchTag("NoWorker", () => Effect.succeed(false)),
    )
    let pause = firstPause
    while (true) {
      const ended = yield* endedRecord(runId)
      if (ended !== undefined) return ended
      if (yield* attend) pause = firstPause
      const record =
        (yield* endedRecord(runId)) ?? (yield* Effect.andThen(settleIfLost(runId), endedRecord(runId)))
      if (record !== undefined) return record
      yield* Effect.sleep(pause)
      pause = Math.min(pause * 2, longestPause)
    }
  },
  (effect, runId) => effect.pipe(Effect.catch((error) => salvageEnd(runId, error))),
)

/** Like `awaitEnd`, but for at most `timeout` if it is given. */
export const waitForEnd = Effect.fn("Engine.wait")(function* (
  runId: RunId,
  timeout: Duration.Input | undefined,
) {
  return yield* addLogEnds(yield* awaitRecord(runId, timeout))
})

const awaitRecord = Effect.fnUntraced(function* (runId: RunId, timeout: Duration.Input | undefined) {
  // A run that has ended is returned even when the timeout is 0.
  const ended = yield* (yield* RunStore).endedRecord(runId)
  if (ended !== undefined) return ended
  if (timeout === undefined) return yield* awaitEnd(runId)
  const seconds = Duration.toSeconds(timeout)
  return yield* Effect.timeoutOrElse(awaitEnd(runId), {
    duration: timeout,
    orElse: () =>
      new WaitTimeout({
        run: runId,
        seconds,
        runId,
        timeoutSeconds: seconds,
        message: `${runId} is still running after ${seconds} s`,
        hint: `wait longer with: mill wait ${runId} --timeout ${Math.max(60, seconds)}`,
      }),
  })
})
