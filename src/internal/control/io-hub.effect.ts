/**
 * Tier 2: what the program and its agents print, line by line, to whoever listens now. Nothing is kept, and nobody who
 * listens slowly holds up the run: a listener has a bounded queue, and is told how many lines did not fit.
 */
import { Context, Effect, Layer, Queue, Schema, Stream } from "effect"
import { SpawnId, Timestamp } from "../../domain/ids.schema.ts"

/** One line that the program or an agent printed. */
export const IoLine = Schema.Struct({
  source: Schema.Literals(["driver", "program"]),
  stream: Schema.Literals(["stdout", "stderr"]),
  line: Schema.String,
  timestamp: Timestamp,
  spawnId: Schema.optionalKey(SpawnId),
})
export type IoLine = typeof IoLine.Type

/** What a listener gets: a line, or how many there were that it was too slow for. */
export const IoItem = Schema.Union([
  Schema.Struct({ kind: Schema.Literal("io"), io: IoLine }),
  Schema.Struct({ kind: Schema.Literal("dropped"), lines: Schema.Int }),
])
export type IoItem = typeof IoItem.Type

/** How many lines wait for a slow listener. */
const capacity = 1024

type Listener = { readonly queue: Queue.Queue<IoLine>; dropped: number }

export class IoHub extends Context.Service<
  IoHub,
  {
    readonly publish: (lines: () => ReadonlyArray<IoLine>) => Effect.Effect<void>
    /** Lines from now on. */
    readonly listen: Stream.Stream<IoItem>
  }
>()("mill/internal/IoHub") {
  static readonly layer = Layer.sync(IoHub, () => {
    const listeners = new Set<Listener>()

    const publish = (lines: () => ReadonlyArray<IoLine>) =>
      Effect.sync(() => {
        if (listeners.size === 0) return
        const all = lines()
        for (const listener of listeners) {
          for (const line of all) if (!Queue.offerUnsafe(listener.queue, line)) listener.dropped += 1
        }
      })

    const listen = Stream.unwrap(
      Effect.gen(function* () {
        const listener: Listener = { queue: yield* Queue.dropping<IoLine>(capacity), dropped: 0 }
        yield* Effect.acquireRelease(
          Effect.sync(() => listeners.add(listener)),
          () => Effect.sync(() => listeners.delete(listener)),
        )
        const takeDropped = (): ReadonlyArray<IoItem> => {
          const lines = listener.dropped
          listener.dropped = 0
          return lines === 0 ? [] : [{ kind: "dropped", lines }]
        }
        const take = Effect.map(Queue.takeAll(listener.queue), (lines): ReadonlyArray<IoItem> => [
          ...lines.map((io): IoItem => ({ kind: "io", io })),
          ...takeDropped(),
        ])
        return Stream.fromEffectRepeat(take).pipe(Stream.flatMap(Stream.fromIterable))
      }),
    )
    return IoHub.of({ publish, listen })
  })
}
