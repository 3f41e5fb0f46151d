/**
 * The events that wait for one extension's `onEvent`, and the fiber that hands them over, one after the other. Putting
 * an event in never waits: what does not fit is dropped and counted. The run's end always fits.
 */
import { type Cause, Effect, Fiber, Option, Queue } from "effect"
import { isRunTerminal, type MillEvent } from "../../domain/event.schema.ts"
import { within } from "./hook.effect.ts"

/** How many events may wait for an extension. */
const capacity = 1024

/** How long an extension may take for the events that wait when the run has ended. */
export const drainLimit = "5 seconds"

export type EventFeed = {
  readonly put: (event: MillEvent) => void
  /** How many events were dropped so far. */
  readonly dropped: () => number
  /** Hands what has been put in, and what will be, to `handle`. */
  readonly start: (handle: (event: MillEvent) => Effect.Effect<void>) => Effect.Effect<void>
  /** No more comes: waits until all is handled, for `drainLimit` at most. Gives how many events were not. */
  readonly finish: Effect.Effect<number>
}

export const makeEventFeed = Effect.fnUntraced(function* () {
  const queue = yield* Queue.unbounded<MillEvent, Cause.Done>()
  let dropped = 0
  let consumer: Fiber.Fiber<void> | undefined

  const start: EventFeed["start"] = Effect.fnUntraced(function* (handle) {
    // A copy for each extension: what one of them does to its events, nobody else sees.
    const next = Effect.flatMap(Queue.take(queue), (event) => handle(structuredClone(event)))
    const all = Effect.forever(next).pipe(Effect.catchTag("Done", () => Effect.void))
    consumer = yield* Effect.forkDetach(all)
  })
  const finish = Effect.gen(function* () {
    yield* Queue.end(queue)
    if (consumer === undefined) return 0
    const ended = yield* within(drainLimit, Fiber.await(consumer))
    if (Option.isSome(ended)) return 0
    consumer.interruptUnsafe()
    return Queue.sizeUnsafe(queue) + 1
  })
  return {
    put: (event) => {
      if (Queue.sizeUnsafe(queue) < capacity || isRunTerminal(event)) Queue.offerUnsafe(queue, event)
      else dropped += 1
    },
    dropped: () => dropped,
    start,
    finish,
  } satisfies EventFeed
})
