/**
 * Queues events for one extension's `onEvent` and passes them on in order, one at a time. Queueing never waits: events that
 * do not fit are dropped and counted. The run's terminal event always fits.
 */
import { type Cause, Effect, Fiber, Option, Queue } from "effect"
import { defined } from "../../domain/defined.ts"
import { isRunTerminal, type MillEvent } from "../../domain/event.schema.ts"
import { runWithin } from "./hook.effect.ts"

/** How many events may wait for an extension. */
const capacity = 1024

/** How long an extension may take for the events that are still queued when the run has ended. */
export const drainLimit = "5 seconds"

export const makeEventFeed = Effect.fnUntraced(function* () {
  const queue = yield* Queue.unbounded<MillEvent, Cause.Done>()
  let dropped = 0
  let consumer: Fiber.Fiber<void> | undefined

  /** Passes the events, queued and to come, to `handle`. */
  const start = Effect.fnUntraced(function* (handle: (event: MillEvent) => Effect.Effect<void>) {
    // Each extension gets its own copy, with the keys of the logged line: changes to it are not visible to the others.
    const next = Effect.flatMap(Queue.take(queue), (event) => handle(defined(structuredClone(event))))
    const all = Effect.forever(next).pipe(Effect.catchTag("Done", () => Effect.void))
    consumer = yield* Effect.forkDetach(all)
  })
  /** Closes the queue and waits until it is empty, for `drainLimit` at most. Returns how many events were not handled. */
  const finish = Effect.gen(function* () {
    yield* Queue.end(queue)
    if (consumer === undefined) return 0
    const ended = yield* runWithin(drainLimit, Fiber.await(consumer))
    if (Option.isSome(ended)) return 0
    consumer.interruptUnsafe()
    return Queue.sizeUnsafe(queue) + 1
  })
  return {
    put: (event: MillEvent) => {
      if (Queue.sizeUnsafe(queue) < capacity || isRunTerminal(event)) Queue.offerUnsafe(queue, event)
      else dropped += 1
    },
    /** How many events were dropped so far. */
    dropped: () => dropped,
    start,
    finish,
  }
})
