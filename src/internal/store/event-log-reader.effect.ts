/**
 * Reads a run's event log, even while it is being written. A last line without a line feed is not read: its write is
 * unfinished, or was cut off. Any other unreadable line is an error with the line's number.
 */
import { Effect, FileSystem, Result, Scope } from "effect"
import { type LogError, StoreError } from "../../domain/error.schema.ts"
import { decodeLogLine, type LogEntry } from "../../domain/event.schema.ts"
import { applyEvent, initialRunState, type RunState } from "../../domain/run-state.schema.ts"
import { makeLineSplitter } from "../files/lines.ts"
import { toStoreError } from "../files/files.effect.ts"

const chunkBytes = 256 * 1024

/** The longest line that is read: a line may hold the whole answer of an agent. */
const maxLineBytes = 1024 * 1024 * 1024

/** Opens a cursor at the start of the log at `path`, which need not exist yet. The scope closes the file. */
export const openCursor = Effect.fnUntraced(function* (path: string) {
  const fs = yield* FileSystem.FileSystem
  const splitter = makeLineSplitter({ maxLineBytes })
  const buffer = new Uint8Array(chunkBytes)
  let file: FileSystem.File | undefined
  let offset = 0
  let line = 0
  const scope = yield* Effect.scope

  const open = Effect.gen(function* () {
    if (file === undefined)
      file = yield* Effect.provideService(fs.open(path, { flag: "r" }), Scope.Scope, scope)
    return file
  })

  /** The entries of the next part, and none at the current end. */
  const next: Effect.Effect<ReadonlyArray<LogEntry>, LogError> = Effect.gen(function* () {
    const handle = yield* open
    while (true) {
      const read = Number(yield* handle.read(buffer, { position: BigInt(offset) }))
      if (read === 0) return []
      offset += read
      const entries: Array<LogEntry> = []
      for (const text of splitter.push(buffer.subarray(0, read))) {
        line += 1
        const decoded = decodeLogLine(text, line)
        if (Result.isFailure(decoded)) return yield* decoded.failure
        entries.push(decoded.success)
      }
      if (entries.length > 0) return entries
    }
  }).pipe(
    Effect.catchReason("PlatformError", "NotFound", () => Effect.succeed([])),
    Effect.catchTag("PlatformError", (error) => Effect.fail(toStoreError(path, "read")(error))),
  )
  /** The number of bytes up to the end of the last whole line read. */
  const wholeBytes = () => offset - splitter.pendingBytes
  return { next, wholeBytes }
})
/** A position in a log. */
export type LogCursor = Effect.Success<ReturnType<typeof openCursor>>

/** Folds the rest of the log into a state. An entry of an unknown type changes the sequence and the time only. */
export const foldRest = Effect.fnUntraced(function* (cursor: LogCursor, from: RunState, path: string) {
  let state = from
  while (true) {
    const entries = yield* cursor.next
    if (entries.length === 0) return state
    for (const entry of entries) {
      if (!entry.known) {
        state = { ...state, sequence: entry.event.sequence, updatedAt: entry.event.timestamp }
        continue
      }
      const next = applyEvent(state, entry.event)
      if (Result.isFailure(next)) {
        const { sequence } = entry.event
        return yield* new StoreError({
          path,
          message: `event ${sequence} in ${path}: ${next.failure.message}`,
        })
      }
      state = next.success
    }
  }
})

/** Folds the log at `path` into a state: the initial one when there is no log. */
export const foldLog = (path: string) =>
  Effect.scoped(Effect.flatMap(openCursor(path), (cursor) => foldRest(cursor, initialRunState, path)))
