/** `mill _settle`: a program's process starts this command when its worker has died. */
import { Effect } from "effect"
import { Command, Flag } from "effect/cli"
import { RunId } from "../domain/ids.schema.ts"
import { openEngine } from "./engine.ts"

export const settleCommand = Command.make(
  "_settle",
  { runId: Flag.String("run-id").pipe(Flag.withSchema(RunId)) },
  Effect.fnUntraced(function* ({ runId }) {
    // Reading the status of a run whose worker has died settles the run.
    yield* (yield* openEngine).status(runId)
  }, Effect.scoped),
).pipe(Command.unlisted)
