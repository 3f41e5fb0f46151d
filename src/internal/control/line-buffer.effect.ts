/**
 * A bounded buffer of printed lines for one reader, which may be slow. The writer never waits. When the buffer is full,
 * it keeps its first and its newest lines, and the reader gets the number of those dropped in between.
 */
import { Effect, Queue, Stream } from "effect"
import type { Done } from "effect/Cause"
import type { IoItem, IoLine } from "../../domain/engine.schema.ts"

/** The most lines in a buffer, and the most characters in all of them. One half is for the first lines. */
const lineLimit = 4096
const characterLimit = 16 * 1024 * 1024

/** A paced reader pauses after this many lines, so that a flood of output is dropped here instead of passed on. */
const floodLines = 1024
const floodPause = "500 millis"

const toItem = (io: IoLine): IoItem => ({ kind: "io", io })

export const makeLineBuffer = Effect.gen(function* () {
  /** Has an element when there is something to take. */
  const notices = yield* Queue.dropping<void, Done>(1)
  let first: Array<IoLine> = []
  let newest: Array<IoLine> = []
  let firstCharacters = 0
  let characters = 0
  /** Lines dropped between the first and the newest ones. */
  let lost = 0

  const isFirst = (length: number) =>
    lost === 0 &&
    newest.length === 0 &&
    (first.length === 0 || (first.length < lineLimit / 2 && firstCharacters + length <= characterLimit / 2))
  const dropUntilFits = (length: number) => {
    while (first.length + newest.length >= lineLimit || characters + length > characterLimit) {
      const dropped = newest.shift()
      if (dropped === undefined) return
      characters -= dropped.line.length
      lost += 1
    }
  }
  const lose = (lines: number) => {
    lost += lines
    Queue.offerUnsafe(notices, undefined)
  }
  const offer = (line: IoLine) => {
    const { length } = line.line
    if (length > characterLimit - firstCharacters) return lose(1)
    if (isFirst(length)) {
      first.push(line)
      firstCharacters += length
    } else {
      dropUntilFits(length)
      newest.push(line)
    }
    characters += length
    Queue.offerUnsafe(notices, undefined)
  }
  let isFlood = false
  const takeItems = (): ReadonlyArray<IoItem> => {
    const dropped: ReadonlyArray<IoItem> = lost === 0 ? [] : [{ kind: "dropped", lines: lost }]
    const items = [...first.map(toItem), ...dropped, ...newest.map(toItem)]
    isFlood = items.length >= floodLines
    first = []
    newest = []
    firstCharacters = 0
    characters = 0
    lost = 0
    return items
  }
  const awaitItems = Queue.take(notices)
  const awaitPaced = Effect.suspend(() => (isFlood ? Effect.delay(awaitItems, floodPause) : awaitItems))
  const toItems = (wait: typeof awaitItems) =>
    Stream.fromEffectRepeat(Effect.map(wait, takeItems)).pipe(Stream.flatMap(Stream.fromIterable))
  return {
    offer,
    /** Counts lines that were dropped before they got here. */
    lose,
    /** Ends the reader's stream behind the buffered lines. */
    end: () => void Queue.endUnsafe(notices),
    items: toItems(awaitItems),
    /** The items for a reader that only shows them. */
    pacedItems: toItems(awaitPaced),
  }
})
export type LineBuffer = Effect.Success<typeof makeLineBuffer>
