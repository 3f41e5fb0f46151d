/** Asks a person whether a run may start. */
import { Effect, Schema, Stdio } from "effect"
import { Prompt } from "effect/cli"
import { Output } from "./output.ts"

/** A person said no; `reason` is what they wrote. */
export class RunRefused extends Schema.TaggedError<RunRefused>()("RunRefused", {
  message: Schema.String,
  reason: Schema.optional(Schema.String),
}) {
  readonly exitCode = 1
}

/** Whether there is a person to ask, and a screen to ask on. */
export const canAsk = Effect.gen(function* () {
  const stdio = yield* Stdio.Stdio
  return (yield* stdio.stdinIsTerminal) && (yield* stdio.stdoutIsTerminal)
})

/** Somebody went away from a question, which is where the cursor still stands. */
const tellQuit = Effect.gen(function* () {
  const { err, out } = yield* Output
  yield* out("")
  yield* err("nothing was started")
})

/** Goes on when the answer is yes. */
export const confirmRun = Effect.fnUntraced(
  function* () {
    if (yield* Prompt.run(Prompt.Confirm({ message: "Run it?", initial: true }))) return
    const reason = (yield* Prompt.run(Prompt.String({ message: "Why not? (may be left empty)" }))).trim()
    return yield* new RunRefused({
      message: reason === "" ? "the run was refused" : `the run was refused: ${reason}`,
      ...(reason === "" ? {} : { reason }),
    })
  },
  Effect.catchTag("QuitError", () => Effect.andThen(tellQuit, Effect.interrupt)),
)
