/** `mill status <run>` */
import { Clock, Effect } from "effect"
import { Command } from "effect/cli"
import { PrintsJson } from "./discovery.ts"
import { type CommandEngine, openEngine, runArgument } from "./engine.ts"
import { Output } from "./output.ts"
import { renderRun } from "./run.render.ts"

export const printRun = Effect.fnUntraced(function* (engine: CommandEngine, reference: string) {
  const { out, size, style } = yield* Output
  const { result, run, spawns } = yield* engine.inspect(reference)
  yield* out(renderRun(run, spawns, result, yield* Clock.currentTimeMillis, style, size()?.columns))
})

export const statusCommand = Command.make(
  "status",
  { run: runArgument },
  Effect.fnUntraced(function* ({ run: reference }) {
    const engine = yield* openEngine
    const { json, out } = yield* Output
    yield* json ? out(JSON.stringify(yield* engine.status(reference))) : printRun(engine, reference)
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
