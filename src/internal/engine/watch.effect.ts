/**
 * Follows a run's event log from its start to its terminal event, also while it is being written, from any process.
 * Woken by the file system, and by a slow poll beside it, since a notice may be lost.
 */
import { Effect, Stream } from "effect"
import { isRunTerminal, type LogEntry } from "../../domain/event.schema.ts"
import type { RunPaths } from "../../domain/run.schema.ts"
import { type LogCursor, openCursor } from "../store/event-log-reader.effect.ts"
import { fileTicks } from "./wait.effect.ts"

const endsRun = (entry: LogEntry): boolean => entry.known && isRunTerminal(entry.event)

/** All that a cursor finds from where it is, until there is nothing more for now. */
const drain = (cursor: LogCursor) =>
  Stream.fromEffectRepeat(cursor.next).pipe(
    Stream.takeWhile((entries) => entries.length > 0),
    Stream.flatMap(Stream.fromIterable),
  )

/** The events of a run, from the first; ends behind the one that ends the run. */
export const watchEvents = (paths: RunPaths) =>
  Stream.unwrap(
    Effect.map(openCursor(paths.eventsFile), (cursor) =>
      fileTicks(paths.runDir, "events.ndjson").pipe(
        Stream.flatMap(() => drain(cursor)),
        Stream.takeUntil(endsRun),
      ),
    ),
  )
