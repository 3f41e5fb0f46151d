/** Reads runs with foreign names: those of older versions, and copies that a user has renamed. Never writes. */
import { Effect, FileSystem, Option, Schema } from "effect"
import { decodeOlderLine } from "../../domain/event.schema.ts"
import type { RunId } from "../../domain/ids.schema.ts"
import { makeOlderRecord, OlderRecord } from "../../domain/older-run.schema.ts"
import { type RunPaths, RunRecord } from "../../domain/run.schema.ts"
import { readRegular } from "../files/regular-files.effect.ts"
import { openCursor } from "./event-log-reader.effect.ts"

const decodeOlder = Schema.decodeUnknownOption(Schema.fromJsonString(OlderRecord))
const decodeOwn = Schema.decodeUnknownOption(Schema.fromJsonString(RunRecord))

/** Counts the spawns in a log by the types of its events. */
const countSpawns = Effect.fnUntraced(function* (path: string) {
  const cursor = yield* openCursor(path, () => undefined, decodeOlderLine)
  const counts = { started: 0, complete: 0, error: 0, cancelled: 0 }
  while (true) {
    const entries = yield* cursor.next
    if (entries.length === 0) break
    for (const { event } of entries) {
      if (event.type === "spawn:start") counts.started += 1
      if (event.type === "spawn:complete") counts.complete += 1
      if (event.type === "spawn:error") counts.error += 1
      if (event.type === "spawn:cancelled") counts.cancelled += 1
    }
  }
  const { cancelled, complete, error, started } = counts
  return { ...counts, running: Math.max(0, started - complete - error - cancelled) }
}, Effect.scoped)

/** Reads the record of a run in another format; `undefined` when there is none. */
export const readOlderRecord = Effect.fnUntraced(
  function* (runId: RunId, paths: RunPaths) {
    const fs = yield* FileSystem.FileSystem
    const text = yield* readRegular(paths.runFile)
    const own = Option.getOrUndefined(decodeOwn(text))
    if (own !== undefined) return { ...own, id: runId, paths }
    const older = Option.getOrUndefined(decodeOlder(text))
    if (older === undefined) return undefined
    const { mtime } = yield* fs.stat(paths.runFile)
    const writtenAt = Option.getOrElse(mtime, () => new Date(0)).toISOString()
    return makeOlderRecord(older, runId, paths, yield* countSpawns(paths.eventsFile), writtenAt)
  },
  (effect) => Effect.orElseSucceed(effect, () => undefined),
)
