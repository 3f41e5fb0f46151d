/** `mill status <run>` */
import { Clock, Effect } from "effect"
import { Argument, Command } from "effect/cli"
import type { RunId } from "../domain/ids.schema.ts"
import { type Engine, openEngine } from "./engine.ts"
import { PrintsJson } from "./discovery.ts"
import { Output } from "./output.ts"
import { renderRun } from "./run.render.ts"

export const runArgument = Argument.String("run").pipe(
  Argument.withDescription("A run id, the beginning of one, or: last"),
)

/** Shows a run as it is now. */
export const printRun = Effect.fnUntraced(function* (engine: Engine, runId: RunId) {
  const { out, size, style } = yield* Output
  const { result, run, spawns } = yield* engine.inspect(runId)
  yield* out(renderRun(run, spawns, result, yield* Clock.currentTimeMillis, style, size()?.columns))
})

export const statusCommand = Command.make(
  "status",
  { run: runArgument },
  Effect.fnUntraced(function* ({ run: reference }) {
    const engine = yield* openEngine
    const { json, out } = yield* Output
    const runId = yield* engine.resolve(reference)
    yield* json ? out(JSON.stringify(yield* engine.status(runId))) : printRun(engine, runId)
  }, Effect.scoped),
).pipe(
  Command.annotate(PrintsJson, "RunRecord"),
  Command.withDescription("Show a run: its status, its spawns, what they used"),
  Command.withExamples([
    { command: "mill status last", description: "The newest run" },
    { command: "mill status run_01jx --json", description: "Its record, by the beginning of its id" },
  ]),
)
