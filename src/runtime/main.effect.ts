/** Runs a process's one effect: interrupted by SIGINT and SIGTERM, and its value is the exit code. */
import { Cause, Effect, Exit, Logger } from "effect"
import { claimProcess, flushPrinted } from "./bun/user-code.ts"
import { runMain as run } from "./platform/platform.effect.ts"

/** The exit code of a process that was interrupted. */
const interrupted = 130

/** What cannot happen happened: say so, without a stack unless it is asked for. */
const report = (cause: Cause.Cause<unknown>) => Effect.logFatal(cause)

export const runMain = (effect: Effect.Effect<number>): void => {
  claimProcess()
  run({
    disableErrorReporting: true,
    teardown: (exit) => {
      const code = Exit.isSuccess(exit)
        ? Number(exit.value)
        : Cause.hasInterruptsOnly(exit.cause)
          ? interrupted
          : 70
      // Whatever else a configuration's code would wait for. What mill itself writes has been taken.
      flushPrinted(() => process.exit(code))
    },
  })(
    Effect.tapCause(effect, (cause) => (Cause.hasInterruptsOnly(cause) ? Effect.void : report(cause))).pipe(
      // stdout is for results.
      Effect.provideService(Logger.LogToStderr, true),
    ),
  )
}
