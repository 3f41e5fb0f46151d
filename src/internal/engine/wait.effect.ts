/**
 * Waits for the end of a run: for a `run.json`, the last file written, with a terminal status. File system notifications
 * may be lost, so a slow poll runs alongside them.
 */
import { Duration, Effect, FileSystem, Option, Schedule, Stream } from "effect"
import { WaitTimeout } from "../../domain/error.schema.ts"
import type { RunId } from "../../domain/ids.schema.ts"
import { RunStore } from "../store/run-store.effect.ts"
import { settleIfLost } from "./reconcile.effect.ts"

const pollInterval = "500 millis"

/** Ticks at once, on each change in the directory to a path that matters, and every half second. */
const watchPaths = (directory: string, matters: (path: string) => boolean) =>
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

/** Ticks at once, whenever anything in the directory changes, and every half second. */
export const watchDirectory = (directory: string) => watchPaths(directory, () => true)

/** Ticks at once, whenever the file `name` in `directory` changes, and every half second. */
export const watchFile = (directory: string, name: string) =>
  watchPaths(directory, (path) => path === name || path.endsWith(`/${name}`))

/** Checks every half second that the run's worker is alive, and settles the run when it is not. */
const settleWhenLost = (runId: RunId) =>
  Effect.andThen(Effect.repeat(settleIfLost(runId), Schedule.spaced(pollInterval)), Effect.never)

/** Waits for the end of the run and returns its record. */
export const awaitEnd = Effect.fnUntraced(function* (runId: RunId) {
  const store = yield* RunStore
  const ended = yield* watchFile(store.paths(runId).runDir, "run.json").pipe(
    Stream.mapEffect(() => store.endedRecord(runId)),
    Stream.filter((record) => record !== undefined),
    Stream.runHead,
    Effect.raceFirst(settleWhenLost(runId)),
  )
  return Option.getOrUndefined(ended) ?? (yield* store.record(runId))
})

/** Like `awaitEnd`, but for at most `timeout` if it is given. */
export const waitForEnd = Effect.fn("Engine.wait")(function* (
  runId: RunId,
  timeout: Duration.Input | undefined,
) {
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
        message: `${runId} is still running after ${seconds} s`,
        hint: `wait longer with: mill wait ${runId} --timeout ${Math.max(60, seconds)}`,
      }),
  })
})
