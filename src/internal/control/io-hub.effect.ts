/**
 * Tier 2: what the program and its agents print, line by line, to whoever listens now. Nothing is kept, and nobody who
 * listens slowly holds up the run: a listener has a bounded buffer, and is told how many lines did not fit.
 */
import { Context, Effect, Layer, Stream } from "effect"
import type { IoItem, IoLine } from "../../domain/engine.schema.ts"
import { type LineBuffer, makeLineBuffer } from "./line-buffer.effect.ts"

export class IoHub extends Context.Service<
  IoHub,
  {
    readonly publish: (lines: () => ReadonlyArray<IoLine>) => Effect.Effect<void>
    /** Lines from now on, until the hub is closed. */
    readonly listen: Stream.Stream<IoItem>
    /** Nothing is printed any more: who listens gets what waits, and the end. */
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
