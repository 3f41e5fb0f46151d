/** Runs the one effect of a process. SIGINT and SIGTERM interrupt it; its value is the exit code. */
import { Cause, Effect, Exit, Logger } from "effect"
import { claimProcess, flushPrinted } from "./bun/user-code.ts"
import { runMain as run } from "./platform/platform.effect.ts"

const interruptedCode = 130
const defectCode = 70

const toExitCode = (exit: Exit.Exit<unknown, unknown>): number =>
  Exit.isSuccess(exit)
    ? Number(exit.value)
    : Cause.hasInterruptsOnly(exit.cause)
      ? interruptedCode
      : defectCode

export const runMain = (effect: Effect.Effect<number>): void => {
  claimProcess()
  run({
    disableErrorReporting: true,
    teardown: (exit) => {
      const code = toExitCode(exit)
      // Exits even if a configuration left timers or sockets behind. mill's own output has been written.
      flushPrinted(() => process.exit(code))
    },
  })(
    effect.pipe(
      Effect.tapCause((cause) => (Cause.hasInterruptsOnly(cause) ? Effect.void : Effect.logFatal(cause))),
      // stdout is for results.
      Effect.provideService(Logger.LogToStderr, true),
    ),
  )
}
