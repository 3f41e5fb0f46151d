/** Asks the user whether to start a run. */
import { Effect, Schema, Stdio } from "effect"
import { Prompt } from "effect/cli"
import { Output } from "./output.ts"

/** The user declined to start the run, and may have given a reason. */
export class RunRefused extends Schema.TaggedError<RunRefused>()("RunRefused", {
  message: Schema.String,
  reason: Schema.optional(Schema.String),
}) {
  readonly exitCode = 1
}

/** Whether standard input and standard output are both a terminal. */
export const canAsk = Effect.gen(function* () {
  const stdio = yield* Stdio.Stdio
  return (yield* stdio.stdinIsTerminal) && (yield* stdio.stdoutIsTerminal)
})

/** Reports a Ctrl-C. The cursor is still behind the question. */
const reportQuit = Effect.gen(function* () {
  const { err, out } = yield* Output
  yield* out("")
  yield* err("cancelled; no run was started")
})

/** Succeeds if the answer is yes. */
export const confirmRun = Effect.fnUntraced(
  function* () {
    if (yield* Prompt.run(Prompt.Confirm({ message: "Start this run?", initial: true }))) return
    const answer = (yield* Prompt.run(Prompt.String({ message: "Reason (optional)" }))).trim()
    const reason = answer === "" ? undefined : answer
    return yield* new RunRefused({
      message: reason === undefined ? "run declined" : `run declined: ${reason}`,
      reason,
    })
  },
  Effect.catchTag("QuitError", () => Effect.andThen(reportQuit, Effect.interrupt)),
)
