/**
 * What an extension may do outside of any hook and function, such as in a timer, or to the process that it shares: errors
 * that nobody handles, and `process.exit`, would end the worker, and with it the run. While the scope lives the errors go
 * to the worker's log, and `process.exit` throws in who calls it. It cannot keep a signal or a native crash away.
 */
import { Effect, Queue, Result } from "effect"
import { messageOf } from "./hook.effect.ts"

/** How many may wait to be told. */
const capacity = 100

/** Throws, as code that is not mill's has to be told. */
const refuseExit = (code?: unknown): never =>
  Result.getOrThrowWith(
    Result.fail(code),
    () => new Error(`an extension cannot end the run's process (process.exit(${code ?? ""}))`),
  )

/** Both of them: an `exit` that was imported from `node:process` is not the one that stands in `process`, but calls the other. */
const exits = ["exit", "reallyExit"] as const

const outliveExit = Effect.acquireRelease(
  Effect.sync(() => {
    const saved = exits.map((name) => [name, Reflect.get(process, name)] as const)
    for (const name of exits) Reflect.set(process, name, refuseExit)
    return { saved, exitCode: process.exitCode }
  }),
  ({ exitCode, saved }) =>
    Effect.sync(() => {
      for (const [name, method] of saved) Reflect.set(process, name, method)
      // What they have said meanwhile about how the process ends is not theirs to say.
      process.exitCode = exitCode
    }),
)

export const outliveStrayErrors = Effect.gen(function* () {
  yield* outliveExit
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
