/**
 * Waits for the end of a run: until its `run.json`, which is written last, says that it has ended. Woken by the file
 * system, and by a slow poll beside it, since a notice may be lost.
 */
import { Duration, Effect, FileSystem, Schedule, Stream } from "effect"
import { WaitTimeout } from "../../domain/error.schema.ts"
import type { RunId } from "../../domain/ids.schema.ts"
import { isTerminalStatus } from "../../domain/run.schema.ts"
import { settleIfLost } from "./reconcile.effect.ts"
import { RunStore } from "../store/run-store.effect.ts"

const pollInterval = "500 millis"

const ticks = (directory: string, matters: (path: string) => boolean) =>
  Stream.unwrap(
    Effect.map(FileSystem.FileSystem, (fs) => {
      const notices = fs.watch(directory).pipe(
        Stream.filter((event) => matters(event.path)),
        Stream.catchCause(() => Stream.empty),
      )
      return Stream.merge(notices, Stream.fromSchedule(Schedule.spaced(pollInterval)))
    }),
  ).pipe(
    Stream.map(() => undefined),
    Stream.merge(Stream.make(undefined)),
  )

/** Ticks at once, whenever anything changes in the directory, and every half second. */
export const directoryTicks = (directory: string) => ticks(directory, () => true)

/** Ticks at once, whenever the file `name` in `directory` changes, and every half second. */
export const fileTicks = (directory: string, name: string) =>
  ticks(directory, (path) => path === name || path.endsWith(`/${name}`))

/** Looks every half second whether the run's worker lives, and brings the run to its end when it does not. */
export const lookAfter = (runId: RunId) =>
  Effect.andThen(Effect.repeat(settleIfLost(runId), Schedule.spaced(pollInterval)), Effect.never)

/** The record of the run when it has ended. */
export const untilEnd = Effect.fnUntraced(function* (runId: RunId) {
  const store = yield* RunStore
  yield* fileTicks(store.paths(runId).runDir, "run.json").pipe(
    Stream.mapEffect(() => store.snapshot(runId)),
    Stream.takeUntil((record) => record !== undefined && isTerminalStatus(record.status)),
    Stream.runDrain,
    Effect.raceFirst(lookAfter(runId)),
  )
  return yield* store.record(runId)
})

/** As `untilEnd`, for `timeout` at the most. */
export const waitForEnd = Effect.fn("Engine.wait")(function* (runId: RunId, timeout: Duration.Input) {
  const record = yield* (yield* RunStore).snapshot(runId)
  // Also where there is no time at all, a run that has ended has ended.
  if (record !== undefined && isTerminalStatus(record.status)) return record
  const seconds = Duration.toSeconds(timeout)
  return yield* Effect.timeoutOrElse(untilEnd(runId), {
    duration: timeout,
    orElse: () =>
      new WaitTimeout({
        run: runId,
        seconds,
        message: `${runId} has not ended within ${seconds} s; it goes on`,
        hint: `mill wait ${runId} --timeout ${Math.max(60, seconds)}`,
      }),
  })
})
