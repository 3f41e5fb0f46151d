/** `mill _worker`: mill starts this itself, a process for each run. */
import { Effect } from "effect"
import { Command, Flag } from "effect/cli"
import { RunId } from "../domain/ids.schema.ts"
import { providedModules } from "../public/engine.api.ts"

export const workerCommand = Command.make(
  "_worker",
  { runId: Flag.String("run-id").pipe(Flag.withSchema(RunId)), runsDir: Flag.String("runs-dir") },
  Effect.fnUntraced(function* ({ runId, runsDir }) {
    const { runWorker } = yield* Effect.promise(() => import("../runtime/worker.effect.ts"))
    yield* runWorker({ runId, runsDir, modules: providedModules })
  }),
).pipe(Command.unlisted)
