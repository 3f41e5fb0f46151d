/**
 * Notices of changes to files. The file system may lose notices, and sends none before the watcher is ready. Callers must
 * look again on each tick: at once, when the watcher is ready, on each notice, and at an interval.
 */
import { Deferred, type Duration, Effect, Exit, FileSystem, Schedule, Stream } from "effect"

const watchPaths = (directory: string, matters: (path: string) => boolean, interval: Duration.Input) =>
  Stream.unwrap(
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const ready = yield* Deferred.make<void>()
      const notices = fs.watch(directory, { onReady: () => Deferred.doneUnsafe(ready, Exit.void) }).pipe(
        Stream.filter((event) => matters(event.path)),
        Stream.catchCause(() => Stream.empty),
      )
      return Stream.merge(notices, Stream.fromEffect(Deferred.await(ready))).pipe(
        Stream.merge(Stream.fromSchedule(Schedule.spaced(interval))),
      )
    }),
  ).pipe(
    Stream.map(() => undefined),
    Stream.merge(Stream.make(undefined)),
  )

/** Ticks whenever anything in the directory changes. */
export const watchDirectory = (directory: string) => watchPaths(directory, () => true, "500 millis")

/** Ticks whenever the file `name` in `directory` changes. */
export const watchFile = (directory: string, name: string) =>
  watchPaths(directory, (path) => path === name || path.endsWith(`/${name}`), "100 millis")
