/**
 * Follows runs from any process: their event logs, which are files, and what they print, which their workers tell.
 * Woken by the file system, and by a slow poll beside it, since a notice may be lost.
 */
import { Effect, FileSystem, Schedule, Stream } from "effect"
import type { IoItem } from "../../domain/engine.schema.ts"
import { StoreError } from "../../domain/error.schema.ts"
import { isRunTerminal, type LogEntry } from "../../domain/event.schema.ts"
import type { RunId } from "../../domain/ids.schema.ts"
import { isTerminalStatus } from "../../domain/run.schema.ts"
import { Settings } from "../config/settings.effect.ts"
import { connectControl, NoWorker } from "../control/control-client.effect.ts"
import { makeLineBuffer } from "../control/line-buffer.effect.ts"
import { type LogCursor, openCursor } from "../store/event-log-reader.effect.ts"
import { directoryMode } from "../files/files.effect.ts"
import { RunStore } from "../store/run-store.effect.ts"
import { currentRecord } from "./reconcile.effect.ts"
import { directoryTicks, fileTicks, untilEnd } from "./wait.effect.ts"

const endsRun = (entry: LogEntry): boolean => entry.known && isRunTerminal(entry.event)

/** All that a cursor finds from where it is, until there is nothing more for now. */
const drain = (cursor: LogCursor) =>
  Stream.fromEffectRepeat(cursor.next).pipe(
    Stream.takeWhile((entries) => entries.length > 0),
    Stream.flatMap(Stream.fromIterable),
  )

/** The events of a run, from the first; ends behind the one that ends the run. */
export const watchEvents = (runId: RunId) =>
  Stream.unwrap(
    Effect.gen(function* () {
      const { eventsFile, runDir } = (yield* RunStore).paths(runId)
      const cursor = yield* openCursor(eventsFile)
      // The log tells of the end before the snapshot does: what it does not tell by then, it never will.
      const over = untilEnd(runId).pipe(
        Effect.as(new StoreError({ path: eventsFile, message: `${eventsFile} ends before the run did` })),
        Effect.catch(Effect.succeed),
      )
      return Stream.merge(fileTicks(runDir, "events.ndjson"), Stream.fromEffect(over)).pipe(
        Stream.flatMap((error) =>
          error === undefined ? drain(cursor) : Stream.concat(drain(cursor), Stream.fail(error)),
        ),
        Stream.takeUntil(endsRun),
      )
    }),
  )

/** A worker that has just been started listens in a moment; one whose run has ended does not. */
const connectOrEnd = (runId: RunId) =>
  connectControl(runId).pipe(
    Effect.retry(Schedule.spaced("20 millis")),
    Effect.raceFirst(Effect.andThen(untilEnd(runId), new NoWorker({ runId }))),
  )

/** Takes what the worker tells as fast as it comes, so that a slow reader is slow here and not in the run. */
const takeAtOnce = Effect.fnUntraced(function* (items: Stream.Stream<IoItem, unknown>) {
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

/** What a live run's program and agents print from now on; ends with the run, and at once when it has ended. */
export const watchIo = (runId: RunId) =>
  Stream.unwrap(Effect.flatMap(connectOrEnd(runId), (client) => takeAtOnce(client.io()))).pipe(
    Stream.catchTag("NoWorker", () => Stream.empty),
  )

/** The runs that are live, and those that start from now on. */
export const liveRuns = Stream.unwrap(
  Effect.gen(function* () {
    const { runsDir } = yield* Settings
    const store = yield* RunStore
    const fs = yield* FileSystem.FileSystem
    yield* Effect.ignore(fs.makeDirectory(runsDir, { recursive: true, mode: directoryMode }))
    const known = new Set<RunId>()
    let looking = false
    const fresh = Effect.gen(function* () {
      const found: Array<RunId> = []
      const first = !looking
      looking = true
      for (const runId of yield* store.names) {
        if (known.has(runId)) continue
        known.add(runId)
        // A run that appears while we look may have ended already, and is told of all the same.
        const record = first ? yield* Effect.option(currentRecord(runId)) : undefined
        if (record?._tag === "Some" && isTerminalStatus(record.value.status)) continue
        found.unshift(runId)
      }
      return found
    })
    return directoryTicks(runsDir).pipe(
      Stream.mapEffect(() => fresh),
      Stream.flatMap(Stream.fromIterable),
    )
  }),
)
