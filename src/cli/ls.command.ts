/** `mill ls` */
import { Clock, Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { openEngine } from "./engine.ts"
import { PrintsJson } from "./discovery.ts"
import { Output } from "./output.ts"
import { renderRuns } from "./run.render.ts"

const statuses = ["pending", "running", "complete", "failed", "cancelled"] as const

export const lsCommand = Command.make(
  "ls",
  {
    status: Flag.Literals("status", statuses).pipe(
      Flag.withDescription("Only runs with this status"),
      Flag.optional,
    ),
    limit: Flag.Int("limit").pipe(
      Flag.withDescription("How many at the most"),
      Flag.withDefault(50),
      Flag.filter(
        (limit) => limit > 0,
        (limit) => `a number above 0, not ${limit}`,
      ),
    ),
  },
  Effect.fnUntraced(function* ({ limit, status }) {
    const engine = yield* openEngine
    const { err, errStyle, json, out, size, style } = yield* Output
    const wanted = Option.getOrUndefined(status)
    const { runs, unreadable } = yield* engine.list({
      limit,
      ...(wanted === undefined ? {} : { status: wanted }),
    })
    for (const { message, runId } of unreadable)
      yield* err(`${errStyle.yellow("warning:")} ${runId}: ${message}`)
    if (json) return yield* out(JSON.stringify(runs))
    if (runs.length > 0)
      return yield* out(renderRuns(runs, yield* Clock.currentTimeMillis, style, size()?.columns))
    yield* out(wanted === undefined ? "no runs yet: mill run <program.ts>" : `no runs are ${wanted}`)
  }, Effect.scoped),
).pipe(
  Command.annotate(PrintsJson, "an array of RunRecord, newest first"),
  Command.withDescription("List runs, newest first"),
  Command.withExamples([
    { command: "mill ls --status running", description: "What runs now" },
    { command: "mill ls --limit 5 --json", description: "The newest five, as an array" },
  ]),
)
