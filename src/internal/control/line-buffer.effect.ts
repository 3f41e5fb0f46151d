/**
 * A bounded buffer of printed lines for one reader, which may be slow. The writer never waits: lines that do not fit are
 * dropped, and the reader gets their number.
 */
import { Effect, Queue, Stream } from "effect"
import type { Done } from "effect/Cause"
import type { IoItem, IoLine } from "../../domain/engine.schema.ts"

/** The most lines in a buffer, and the most characters in all of them. */
const lineLimit = 4096
const characterLimit = 16 * 1024 * 1024

/** A paced reader pauses after this many lines, so that a flood of output is dropped here instead of passed on. */
const floodLines = 1024
const floodPause = "500 millis"

export const makeLineBuffer = Effect.gen(function* () {
  const queue = yield* Queue.dropping<IoLine, Done>(lineLimit)
  let characters = 0
  let lost = 0

  const takeLost = (): ReadonlyArray<IoItem> => {
    const lines = lost
    lost = 0
    return lines === 0 ? [] : [{ kind: "dropped", lines }]
  }
  const offer = (line: IoLine) => {
    const fits = characters + line.line.length <= characterLimit
    if (fits && Queue.offerUnsafe(queue, line)) characters += line.line.length
    else lost += 1
  }
  let isFlood = false
  const takeLines = Queue.takeAll(queue)
  const takePaced = Effect.suspend(() => (isFlood ? Effect.delay(takeLines, floodPause) : takeLines))
  const toItems = (take: typeof takeLines) =>
    Stream.fromEffectRepeat(take).pipe(
      Stream.flatMap((lines) => {
        for (const { line } of lines) characters -= line.length
        isFlood = lines.length >= floodLines
        return Stream.fromIterable([...lines.map((io): IoItem => ({ kind: "io", io })), ...takeLost()])
      }),
      // For a reader that has taken no line since some were dropped.
      Stream.concat(Stream.suspend(() => Stream.fromIterable(takeLost()))),
    )
  return {
    offer,
    /** Counts lines that were dropped before they got here. */
    lose: (lines: number) => {
      lost += lines
    },
    /** Ends the reader's stream behind the buffered lines. */
    end: () => void Queue.endUnsafe(queue),
    items: toItems(takeLines),
    /** The items for a reader that only shows them. */
    pacedItems: toItems(takePaced),
  }
})
export type LineBuffer = Effect.Success<typeof makeLineBuffer>
