/** `mill _worker`: mill starts this itself, a process for each run. */
import { Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { RunId } from "../domain/ids.schema.ts"
import { runsDirFlag } from "./global-flags.command.ts"

export const workerCommand = Command.make(
  "_worker",
  {
    runId: Flag.String("run-id").pipe(Flag.withSchema(RunId)),
    valuesOnStdin: Flag.Boolean("values-on-stdin").pipe(Flag.withDefault(false)),
  },
  Effect.fnUntraced(function* ({ runId, valuesOnStdin }) {
    const { millPackage } = yield* Effect.promise(() => import("../public/engine.api.ts"))
    const { runWorker } = yield* Effect.promise(() => import("../runtime/worker.effect.ts"))
    yield* runWorker({
      ...millPackage,
      runId,
      valuesOnStdin,
      runsDir: Option.getOrUndefined(yield* runsDirFlag),
    })
  }),
).pipe(Command.unlisted)
