/**
 * Waits for the end of a run: until its `run.json`, which is written last, says that it has ended. Woken by the file
 * system, and by a slow poll beside it, since a notice may be lost.
 */
import { Duration, Effect, FileSystem, Schedule, Stream } from "effect"
import { WaitTimeout } from "../../domain/error.schema.ts"
import type { RunId } from "../../domain/ids.schema.ts"
import { isTerminalStatus } from "../../domain/run.schema.ts"
import { RunStore } from "../store/run-store.effect.ts"

const pollInterval = "500 millis"

/** Ticks at once, whenever the file `name` in `directory` changes, and every half second. */
export const fileTicks = (directory: string, name: string) =>
  Stream.unwrap(
    Effect.map(FileSystem.FileSystem, (fs) => {
      const notices = fs.watch(directory).pipe(
        Stream.filter((event) => event.path === name || event.path.endsWith(`/${name}`)),
        Stream.catchCause(() => Stream.empty),
      )
      return Stream.merge(notices, Stream.fromSchedule(Schedule.spaced(pollInterval)))
    }),
  ).pipe(
    Stream.map(() => undefined),
    Stream.merge(Stream.make(undefined)),
  )

/** The record of the run when it has ended. */
export const waitForEnd = Effect.fn("Engine.wait")(function* (runId: RunId, timeout?: Duration.Duration) {
  const store = yield* RunStore
  const ended = fileTicks(store.paths(runId).runDir, "run.json").pipe(
    Stream.mapEffect(() => store.snapshot(runId)),
    Stream.filter((record) => record !== undefined && isTerminalStatus(record.status)),
    Stream.runHead,
    Effect.andThen(store.record(runId)),
  )
  if (timeout === undefined) return yield* ended
  const seconds = Duration.toMillis(timeout) / 1000
  return yield* Effect.timeoutOrElse(ended, {
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
