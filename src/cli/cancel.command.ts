/** `mill cancel <run>` */
import { Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { openEngine } from "./engine.ts"
import { PrintsJson } from "./discovery.ts"
import { Output } from "./output.ts"
import { runArgument } from "./status.command.ts"
import { nextCommand, statusMark } from "./style.render.ts"

export const cancelCommand = Command.make(
  "cancel",
  {
    run: runArgument,
    reason: Flag.String("reason").pipe(
      Flag.withDescription("Why; kept in the run's log"),
      Flag.withMetavar("text"),
      Flag.optional,
    ),
  },
  Effect.fnUntraced(function* ({ reason, run: reference }) {
    const engine = yield* openEngine
    const { json, out, style } = yield* Output
    const runId = yield* engine.resolve(reference)
    const { alreadyTerminal, run } = yield* engine.cancel(runId, Option.getOrUndefined(reason))
    if (json) return yield* out(JSON.stringify({ runId, status: run.status, alreadyTerminal }))
    const { mark, paint } = statusMark(run.status, style)
    const ended = alreadyTerminal || run.status !== "cancelled"
    yield* out(
      `${paint(mark)} ${style.bold(runId)} ${ended ? `had ended already: ${run.status}` : "is cancelled"}`,
    )
    yield* out(nextCommand(`mill status ${runId}`, style))
  }, Effect.scoped),
).pipe(
  Command.annotate(PrintsJson, '{"runId", "status", "alreadyTerminal"}'),
  Command.withDescription(
    "End a run for good: its program, its agents, and the runs that were started inside it",
  ),
  Command.withExamples([
    { command: "mill cancel last", description: "The newest run" },
    { command: "mill cancel run_01jx --reason 'wrong branch'", description: "By the beginning of its id" },
  ]),
)
