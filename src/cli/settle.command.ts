/** `mill _settle`: a program's process starts this when its worker is gone. */
import { Effect } from "effect"
import { Command, Flag } from "effect/cli"
import { RunId } from "../domain/ids.schema.ts"
import { openEngine } from "./engine.ts"

export const settleCommand = Command.make(
  "_settle",
  { runId: Flag.String("run-id").pipe(Flag.withSchema(RunId)) },
  Effect.fnUntraced(function* ({ runId }) {
    // To look at a run whose worker is gone is to bring it to its end.
    yield* (yield* openEngine).status(runId)
  }, Effect.scoped),
).pipe(Command.unlisted)
