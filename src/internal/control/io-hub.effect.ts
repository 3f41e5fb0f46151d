/**
 * Tier 2: passes on the lines that the program and its agents print to the current listeners. No line is stored, and a
 * slow listener never slows the run: its buffer is bounded, and it gets the number of dropped lines.
 */
import { Context, Effect, Layer, Stream } from "effect"
import type { IoItem, IoLine } from "../../domain/engine.schema.ts"
import { type LineBuffer, makeLineBuffer } from "./line-buffer.effect.ts"

export class IoHub extends Context.Service<
  IoHub,
  {
    readonly publish: (lines: () => ReadonlyArray<IoLine>) => Effect.Effect<void>
    /** The lines from now on, until the hub closes. */
    readonly listen: Stream.Stream<IoItem>
    /** Ends the streams of the listeners behind the buffered lines. */
    readonly close: Effect.Effect<void>
  }
>()("mill/internal/IoHub") {
  static readonly layer = Layer.sync(IoHub, () => {
    const listeners = new Set<LineBuffer>()
    let closed = false

    const publish = (lines: () => ReadonlyArray<IoLine>) =>
      Effect.sync(() => {
        if (listeners.size === 0) return
        const all = lines()
        for (const listener of listeners) for (const line of all) listener.offer(line)
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
    const close = Effect.sync(() => {
      closed = true
      for (const listener of listeners) listener.end()
    })
    return IoHub.of({ publish, listen, close })
  })
}
