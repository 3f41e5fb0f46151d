/** `mill status <run>` */
import { Clock, Effect } from "effect"
import { Command } from "effect/cli"
import { PrintsJson } from "./discovery.ts"
import {
  type CommandEngine,
  exitIfDamaged,
  ignoredDriverFlag,
  openEngine,
  runArgument,
  warnOfDamage,
} from "./engine.ts"
import { Output } from "./output.ts"
import { renderRun } from "./run.render.ts"

export const printRun = Effect.fnUntraced(function* (engine: CommandEngine, reference: string) {
  const { out, size, style } = yield* Output
  const { result, run, spawns } = yield* engine.inspect(reference)
  yield* warnOfDamage(run)
  yield* out(renderRun(run, spawns, result, yield* Clock.currentTimeMillis, style, size()?.columns))
  return run
})

export const statusCommand = Command.make(
  "status",
  { run: runArgument, driver: ignoredDriverFlag },
  Effect.fnUntraced(function* ({ run: reference }) {
    const engine = yield* openEngine
    const { json, out } = yield* Output
    const printRecord = Effect.tap(engine.status(reference), (run) =>
      Effect.andThen(warnOfDamage(run), out(JSON.stringify(run))),
    )
    yield* exitIfDamaged(yield* json ? printRecord : printRun(engine, reference))
  }, Effect.scoped),
).pipe(
  Command.annotate(PrintsJson, "RunRecord"),
  Command.withDescription("Show a run's status, spawns and usage"),
  Command.withExamples([
    { command: "mill status last", description: "Show the newest run" },
    {
      command: "mill status run_01jx --json",
      description: "Print a run's record, given a prefix of its id",
    },
  ]),
)
