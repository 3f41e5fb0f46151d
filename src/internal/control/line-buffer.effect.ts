/**
 * Printed lines on their way to a reader who may be slow: a bounded number of them waits, and how many did not fit is
 * told. Whoever offers never waits.
 */
import { Effect, Queue, Stream } from "effect"
import type { Done } from "effect/Cause"
import type { IoItem, IoLine } from "../../domain/engine.schema.ts"

/** How many lines wait for a slow reader, and how many characters they may have together. */
const lineLimit = 4096
const characterLimit = 16 * 1024 * 1024

/** Lines that wait for one reader. */
export type LineBuffer = {
  readonly offer: (line: IoLine) => void
  /** Counts lines that were lost on the way here. */
  readonly lose: (lines: number) => void
  /** Nothing comes any more: the reader's stream ends behind what waits. */
  readonly end: () => void
  readonly items: Stream.Stream<IoItem>
}

/** An empty buffer. */
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
  const items = Stream.fromEffectRepeat(Queue.takeAll(queue)).pipe(
    Stream.flatMap((lines) => {
      for (const { line } of lines) characters -= line.length
      return Stream.fromIterable([...lines.map((io): IoItem => ({ kind: "io", io })), ...takeLost()])
    }),
    // A reader that has not taken anything since lines were lost learns of it all the same.
    Stream.concat(Stream.suspend(() => Stream.fromIterable(takeLost()))),
  )
  return {
    offer,
    lose: (lines) => {
      lost += lines
    },
    end: () => void Queue.endUnsafe(queue),
    items,
  } satisfies LineBuffer
})
