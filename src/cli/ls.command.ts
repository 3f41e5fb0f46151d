/** `mill ls` */
import { Clock, Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { PrintsJson } from "./discovery.ts"
import { ignoredDriverFlag, openEngine, warnOfDamage } from "./engine.ts"
import { Output } from "./output.ts"
import { renderRuns } from "./run.render.ts"

const statuses = ["pending", "running", "complete", "failed", "cancelled"] as const

export const lsCommand = Command.make(
  "ls",
  {
    driver: ignoredDriverFlag,
    status: Flag.Literals("status", statuses).pipe(
      Flag.withDescription("Only list runs with this status"),
      Flag.optional,
    ),
    limit: Flag.Int("limit").pipe(
      Flag.withDescription("Maximum number of runs to list (default: 50)"),
      Flag.withDefault(50),
      Flag.filter(
        (limit) => limit > 0,
        () => "a number greater than 0",
      ),
    ),
  },
  Effect.fnUntraced(function* ({ limit, status: wanted }) {
    const engine = yield* openEngine
    const { err, errStyle, json, out, size, style } = yield* Output
    const status = Option.getOrUndefined(wanted)
    const { runs, unknown, unreadable } = yield* engine.list({ limit, status })
    for (const { message, runId } of unreadable)
      yield* err(`${errStyle.yellow("warning:")} ${runId}: ${message}`)
    if (unknown > 0)
      yield* err(
        `${errStyle.yellow("warning:")} ignoring ${unknown} ${unknown === 1 ? "entry" : "entries"} in the runs directory that mill does not recognize`,
      )
    yield* Effect.forEach(runs, warnOfDamage, { discard: true })
    if (json) return yield* out(JSON.stringify(runs))
    if (runs.length > 0)
      return yield* out(renderRuns(runs, yield* Clock.currentTimeMillis, style, size()?.columns))
    yield* out(
      status === undefined
        ? "there are no runs yet; start one with: mill run <program.ts>"
        : `no ${status} runs`,
    )
  }, Effect.scoped),
).pipe(
  Command.annotate(PrintsJson, "an array of RunRecord, newest first"),
  Command.withDescription("List runs, newest first"),
  Command.withExamples([
    { command: "mill ls --status running", description: "List runs in progress" },
    { command: "mill ls --limit 5 --json", description: "Print the five newest runs as a JSON array" },
  ]),
)
