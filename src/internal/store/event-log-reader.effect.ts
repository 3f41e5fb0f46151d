/**
 * Reads a run's event log, even while it is being written. A last line without a line feed is not read: its write is
 * unfinished, or was cut off. Any other unreadable line is an error with the line's number.
 */
import { Effect, FileSystem, Result, Scope } from "effect"
import { IllegalLine, type LogError, StoreError, type UnsupportedVersion } from "../../domain/error.schema.ts"
import { decodeLogLine, type LogEntry } from "../../domain/event.schema.ts"
import { applyEvent, initialRunState, type RunState } from "../../domain/run-state.schema.ts"
import { makeLineSplitter } from "../files/lines.ts"
import { toStoreError } from "../files/files.effect.ts"
import { openRegular } from "../files/regular-files.effect.ts"

const chunkBytes = 256 * 1024

/** The longest line that is read. A line holds at most one answer of an agent, or one result of a program. */
const maxLineBytes = 256 * 1024 * 1024

/** The longest line to skip if it cannot be an event. A file may have a hole of any size. */
const maxGarbageBytes = 1024 * 1024

const [lineFeed, openingBrace, nul] = [10, 123, 0] as const
const byteOrderMark = "\uFEFF"

/** A line that cannot be read. */
export type LineError = IllegalLine | UnsupportedVersion

/**
 * Opens a cursor at the start of the log at `path`, which need not exist yet. The scope closes the file. Without
 * `onDamage`, an unreadable line is an error; with it, the line is reported and skipped.
 */
export const openCursor = Effect.fnUntraced(function* (
  path: string,
  onDamage?: (error: LineError) => void,
  decode = decodeLogLine,
) {
  const fs = yield* FileSystem.FileSystem
  const splitter = makeLineSplitter({ maxLineBytes: Number.MAX_SAFE_INTEGER })
  const buffer = new Uint8Array(chunkBytes)
  let file: FileSystem.File | undefined
  let offset = 0
  let line = 0
  let isGarbage = false
  let endless: IllegalLine | undefined
  const scope = yield* Effect.scope

  const open = Effect.gen(function* () {
    if (file === undefined)
      file = yield* openRegular(path).pipe(
        Effect.provideService(Scope.Scope, scope),
        Effect.provideService(FileSystem.FileSystem, fs),
      )
    return file
  })

  /** What is wrong with the unfinished line, which begins or continues in the chunk. */
  const checkPending = (chunk: Uint8Array): string | undefined => {
    const start = chunk.lastIndexOf(lineFeed) + 1
    const rest = chunk.subarray(start)
    if (start > 0 || splitter.pendingBytes === rest.length)
      isGarbage = rest.length > 0 && rest[0] !== openingBrace
    isGarbage ||= rest.includes(nul)
    if (isGarbage && splitter.pendingBytes > maxGarbageBytes) return "not JSON"
    return splitter.pendingBytes > maxLineBytes ? "the line is too long" : undefined
  }

  const decodeLine = (text: string): Result.Result<LogEntry, LineError> => {
    line += 1
    // An editor may have put a byte order mark at the start of the file.
    return decode(line === 1 && text.startsWith(byteOrderMark) ? text.slice(1) : text, line)
  }

  /** The entries of the next part, and none at the current end. */
  const next: Effect.Effect<ReadonlyArray<LogEntry>, LogError> = Effect.gen(function* () {
    const handle = yield* open
    if (handle === undefined) return []
    while (endless === undefined) {
      const read = Number(yield* handle.read(buffer, { position: BigInt(offset) }))
      if (read === 0) return []
      offset += read
      const chunk = buffer.subarray(0, read)
      const entries: Array<LogEntry> = []
      for (const text of splitter.push(chunk)) {
        const decoded = decodeLine(text)
        if (Result.isSuccess(decoded)) entries.push(decoded.success)
        else if (onDamage === undefined) return yield* decoded.failure
        else onDamage(decoded.failure)
      }
      const problem = checkPending(chunk)
      if (problem !== undefined) {
        endless = new IllegalLine({ lineNumber: line + 1, reason: problem })
        onDamage?.(endless)
      }
      if (entries.length > 0) return entries
    }
    // Nothing is read after a line without an end.
    return endless === undefined || onDamage !== undefined ? [] : yield* endless
  }).pipe(Effect.catchTag("PlatformError", (error) => Effect.fail(toStoreError(path, "read")(error))))
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
