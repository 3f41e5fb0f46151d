/**
 * Tier 2: passes on the lines that the program and its agents print to the current listeners. No line is stored, and a
 * slow listener never slows the run: its buffer is bounded, and it gets the number of dropped lines.
 *
 * `mill run --sync` cannot listen before the program starts. For this expected reader, the hub keeps the program's lines from
 * the first one.
 */
import { Context, Deferred, Effect, Layer, Stream } from "effect"
import type { IoItem, IoLine } from "../../domain/engine.schema.ts"
import { type LineBuffer, makeLineBuffer } from "./line-buffer.effect.ts"

/** How long the end of a run waits for the expected reader to connect, and to read the last lines. */
const connectPatience = "5 seconds"
const readPatience = "1 second"

export class IoHub extends Context.Service<
  IoHub,
  {
    readonly publish: (lines: () => ReadonlyArray<IoLine>) => Effect.Effect<void>
    /** Counts lines that are too long to be published. */
    readonly lose: (source: IoLine["source"], lines: number) => Effect.Effect<void>
    /** The lines from now on, until the hub closes. */
    readonly listen: Stream.Stream<IoItem>
    /** Keeps the program's lines from now on, for one reader that is about to connect. */
    readonly expectReader: Effect.Effect<void>
    /** The program's lines for the expected reader; none for any other. */
    readonly programLines: Stream.Stream<IoItem>
    /** Ends the program's lines. Waits a limited time for the expected reader. */
    readonly endProgram: Effect.Effect<unknown>
    /** Ends the streams of the listeners behind the buffered lines. */
    readonly close: Effect.Effect<void>
  }
>()("mill/internal/IoHub") {
  static readonly layer = Layer.sync(IoHub, () => {
    const listeners = new Set<LineBuffer>()
    let closed = false
    let kept:
      | {
          readonly lines: LineBuffer
          /** The reader has connected, and it has read everything. */
          readonly taken: Deferred.Deferred<void>
          readonly read: Deferred.Deferred<void>
        }
      | undefined

    const publish = (lines: () => ReadonlyArray<IoLine>) =>
      Effect.sync(() => {
        if (listeners.size === 0 && kept === undefined) return
        const all = lines()
        for (const line of all) if (line.source === "program") kept?.lines.offer(line)
        for (const listener of listeners) for (const line of all) listener.offer(line)
      })

    const lose = (source: IoLine["source"], lines: number) =>
      Effect.sync(() => {
        if (lines === 0) return
        if (source === "program") kept?.lines.lose(lines)
        for (const listener of listeners) listener.lose(lines)
      })

    const listen = Stream.unwrap(
      Effect.gen(function* () {
        const listener = yield* makeLineBuffer
        yield* Effect.acquireRelease(
          Effect.sync(() => (closed ? listener.end() : listeners.add(listener))),
          () => Effect.sync(() => listeners.delete(listener)),
        )
        return listener.items
      }),
    )
    const expectReader = Effect.gen(function* () {
      const [taken, read] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
      kept = { lines: yield* makeLineBuffer, taken, read }
    })
    const programLines = Stream.unwrap(
      Effect.gen(function* () {
        if (kept === undefined || !(yield* Deferred.succeed(kept.taken, undefined))) return Stream.empty
        const { lines, read } = kept
        const forget = Effect.suspend(() => {
          kept = undefined
          return Deferred.succeed(read, undefined)
        })
        return Stream.ensuring(lines.pacedItems, forget)
      }),
    )
    const endProgram = Effect.suspend(() => {
      if (kept === undefined) return Effect.void
      const { lines, read, taken } = kept
      lines.end()
      return Effect.interruptible(Deferred.await(taken)).pipe(
        Effect.timeoutOption(connectPatience),
        Effect.flatMap((connected) =>
          connected._tag === "None"
            ? Effect.void
            : Effect.timeoutOption(Effect.interruptible(Deferred.await(read)), readPatience),
        ),
      )
    })
    const close = Effect.sync(() => {
      closed = true
      kept?.lines.end()
      for (const listener of listeners) listener.end()
    })
    return IoHub.of({ publish, lose, listen, expectReader, programLines, endProgram, close })
  })
}
