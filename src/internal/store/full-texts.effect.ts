/**
 * Reads the whole answers of a run's spawns from its log; a run's state keeps only the beginning of each. Lines that
 * cannot be the end of a spawn are skipped without decoding.
 */
import { Effect, FileSystem, Result, Stream } from "effect"
import { decodeLogLine, isSpawnTerminal } from "../../domain/event.schema.ts"
import type { SpawnId } from "../../domain/ids.schema.ts"
import { textLimit } from "../../domain/run-state.schema.ts"
import { makeLineSplitter } from "../files/lines.ts"
import { toStoreError } from "../files/files.effect.ts"

const mayEndSpawn = /"type":"spawn:(complete|error|cancelled)"/

/** Reads the answers in the log at `path` that are longer than a run's state keeps. */
export const readFullTexts = Effect.fnUntraced(function* (path: string) {
  const fs = yield* FileSystem.FileSystem
  const texts = new Map<SpawnId, string>()
  const splitter = makeLineSplitter({ maxLineBytes: Number.MAX_SAFE_INTEGER })
  const keep = (line: string) => {
    if (!mayEndSpawn.test(line)) return
    const entry = decodeLogLine(line, 0)
    if (Result.isFailure(entry) || !entry.success.known || !isSpawnTerminal(entry.success.event)) return
    const { result, spawnId } = entry.success.event.payload
    if (result !== undefined && result.text.length > textLimit) texts.set(spawnId, result.text)
  }
  yield* fs.stream(path, { chunkSize: 256 * 1024 }).pipe(
    Stream.runForEach((chunk) => Effect.sync(() => splitter.push(chunk).forEach(keep))),
    Effect.mapError(toStoreError(path, "read")),
  )
  return texts
})
