/**
 * Follows runs from any process: their events, from their log files, and the lines they print, from their workers.
 */
import { Effect, FileSystem, Stream } from "effect"
import type { IoItem } from "../../domain/engine.schema.ts"
import { type LogError, StoreError } from "../../domain/error.schema.ts"
import { decodeOlderLine, isRunTerminal, type LogEntry } from "../../domain/event.schema.ts"
import { isOwnRunId, type RunId } from "../../domain/ids.schema.ts"
import { isTerminalStatus } from "../../domain/run.schema.ts"
import { Settings } from "../config/settings.effect.ts"
import { makeLineBuffer } from "../control/line-buffer.effect.ts"
import { watchDirectory, watchFile } from "../files/file-notices.effect.ts"
import { directoryMode } from "../files/files.effect.ts"
import { type LogCursor, openCursor } from "../store/event-log-reader.effect.ts"
import { RunStore } from "../store/run-store.effect.ts"
import { reachWorker } from "./reach-worker.effect.ts"
import { reconcileRun } from "./reconcile.effect.ts"
import { awaitEnd } from "./wait.effect.ts"

const isRunEnd = (entry: LogEntry): boolean => entry.known && isRunTerminal(entry.event)

/** The entries from the cursor to the current end of the log. */
const readAvailable = (cursor: LogCursor) =>
  Stream.fromEffectRepeat(cursor.next).pipe(
    Stream.takeWhile((entries) => entries.length > 0),
    Stream.flatMap(Stream.fromIterable),
  )

/** The events of a run, from the first to the one that ends it. */
export const watchEvents = (runId: RunId) =>
  Stream.unwrap(
    Effect.gen(function* () {
      const { eventsFile, runDir } = (yield* RunStore).paths(runId)
      // A run of an older version is read but not followed.
      if (!isOwnRunId(runId))
        return readAvailable(yield* openCursor(eventsFile, () => undefined, decodeOlderLine))
      const damage: Array<LogError> = []
      const cursor = yield* openCursor(eventsFile, (error) => void damage.push(error))
      /** The damage found so far, reported when all events that can be read have been. */
      const reportDamage = Stream.suspend(() => Stream.fromIterable(damage.slice(0, 1))).pipe(
        Stream.flatMap((error) => Stream.fail(error)),
      )
      // The final event is logged before the snapshot is written: if it is not in the log by then, it is lost.
      const incomplete = awaitEnd(runId).pipe(
        Effect.as(
          new StoreError({
            path: eventsFile,
            message: `${eventsFile} is incomplete: the run's final event is missing`,
          }),
        ),
        Effect.catch(Effect.succeed),
      )
      return Stream.merge(watchFile(runDir, "events.ndjson"), Stream.fromEffect(incomplete)).pipe(
        Stream.flatMap((error) =>
          error === undefined
            ? readAvailable(cursor)
            : readAvailable(cursor).pipe(Stream.concat(reportDamage), Stream.concat(Stream.fail(error))),
        ),
        Stream.takeUntil(isRunEnd),
        Stream.concat(reportDamage),
      )
    }),
  )

/** Reads items as fast as the worker sends them, so that a slow reader delays this process and not the run. */
const bufferItems = Effect.fnUntraced(function* (items: Stream.Stream<IoItem, unknown>) {
  const buffer = yield* makeLineBuffer
  yield* items.pipe(
    Stream.runForEach((item) =>
      Effect.sync(() => (item.kind === "io" ? buffer.offer(item.io) : buffer.lose(item.lines))),
    ),
    Effect.ignoreCause,
    Effect.ensuring(Effect.sync(buffer.end)),
    Effect.forkScoped,
  )
  return buffer.items
})

/** The lines that a run's program and agents print from now until it ends; none when it has ended. */
export const watchIo = (runId: RunId) =>
  Stream.unwrap(Effect.flatMap(reachWorker(runId), (client) => bufferItems(client.io()))).pipe(
    Stream.catchTag("NoWorker", () => Stream.empty),
  )

/** The lines that a run's program prints, from the first one, for the command that started the run as `attended`. */
export const watchProgram = (runId: RunId) =>
  Stream.unwrap(
    Effect.flatMap(reachWorker(runId), (client) =>
      bufferItems(Stream.flatMap(client.program(), Stream.fromIterable)),
    ),
  ).pipe(Stream.catchTag("NoWorker", () => Stream.empty))

/** The live runs, and those that start later. */
export const liveRuns = Stream.unwrap(
  Effect.gen(function* () {
    const { runsDir } = yield* Settings
    const store = yield* RunStore
    const fs = yield* FileSystem.FileSystem
    yield* Effect.ignore(fs.makeDirectory(runsDir, { recursive: true, mode: directoryMode }))
    const known = new Set<RunId>()
    let isFirstLook = true
    const findNewRuns = Effect.gen(function* () {
      const found: Array<RunId> = []
      const skipEnded = isFirstLook
      isFirstLook = false
      for (const runId of yield* store.names) {
        if (known.has(runId)) continue
        known.add(runId)
        // A run that appears after the first look is reported even when it has already ended.
        const record = skipEnded ? yield* Effect.option(reconcileRun(runId)) : undefined
        if (record?._tag === "Some" && isTerminalStatus(record.value.status)) continue
        found.unshift(runId)
      }
      return found
    })
    return watchDirectory(runsDir).pipe(
      Stream.mapEffect(() => findNewRuns),
      Stream.flatMap(Stream.fromIterable),
    )
  }),
)
