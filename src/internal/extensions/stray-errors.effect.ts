/**
 * Errors that arise outside of any hook and function, such as in a timer of an extension's: they would end the worker,
 * and with it the run. While the scope lives they go to the worker's log instead.
 */
import { Effect, Queue } from "effect"
import { messageOf } from "./hook.effect.ts"

/** How many may wait to be told. */
const capacity = 100

export const outliveStrayErrors = Effect.gen(function* () {
  const strays = yield* Queue.dropping<unknown>(capacity)
  const take = (error: unknown) => void Queue.offerUnsafe(strays, error)
  yield* Effect.acquireRelease(
    Effect.sync(() => process.on("uncaughtException", take).on("unhandledRejection", take)),
    () => Effect.sync(() => process.off("uncaughtException", take).off("unhandledRejection", take)),
  )
  yield* Queue.take(strays).pipe(
    Effect.flatMap(messageOf),
    Effect.flatMap((message) => Effect.logError(`an error that nobody handles, of an extension: ${message}`)),
    Effect.forever,
    Effect.forkScoped,
  )
})
