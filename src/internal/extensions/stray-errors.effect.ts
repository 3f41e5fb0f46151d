/**
 * Protects the worker from extension code that runs outside of hooks and functions, such as in a timer. While the scope is
 * open, unhandled errors go to the worker's log and `process.exit` throws in its caller, instead of ending the process and
 * with it the run. Signals and native crashes still end the process.
 */
import { Context, Effect, Queue, Result } from "effect"
import { formatThrown } from "./hook.effect.ts"

/** Whether workers share the process with a user's script, which handles uncaught errors itself. */
export const SharesProcess = Context.Reference<boolean>("mill/internal/SharesProcess", {
  defaultValue: () => false,
})

/** How many errors may wait to be logged. */
const capacity = 100

/** Throws, because the caller is not mill's code. */
const refuseExit = (code?: unknown): never =>
  Result.getOrThrowWith(
    Result.fail(code),
    () => new Error(`an extension cannot terminate the run's process (process.exit(${code ?? ""}))`),
  )

/** Both: an `exit` imported from `node:process` is another function than `process.exit`, but calls `reallyExit`. */
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
      // Extensions do not choose the worker's exit code.
      process.exitCode = exitCode
    }),
)

export const outliveStrayErrors = Effect.gen(function* () {
  if (yield* SharesProcess) return
  yield* outliveExit
  const strays = yield* Queue.dropping<unknown>(capacity)
  const take = (error: unknown) => void Queue.offerUnsafe(strays, error)
  yield* Effect.acquireRelease(
    Effect.sync(() => process.on("uncaughtException", take).on("unhandledRejection", take)),
    () => Effect.sync(() => process.off("uncaughtException", take).off("unhandledRejection", take)),
  )
  yield* Queue.take(strays).pipe(
    Effect.flatMap(formatThrown),
    Effect.flatMap((message) => Effect.logError(`unhandled error in an extension: ${message}`)),
    Effect.forever,
    Effect.forkScoped,
  )
})
