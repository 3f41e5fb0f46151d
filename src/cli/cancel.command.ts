/** `mill cancel <run>` */
import { Duration, Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { PrintsJson } from "./discovery.ts"
import { ignoredDriverFlag, openEngine, runArgument } from "./engine.ts"
import { Output } from "./output.ts"
import { renderNextCommand, markStatus } from "./style.render.ts"

export const cancelCommand = Command.make(
  "cancel",
  {
    run: runArgument,
    driver: ignoredDriverFlag,
    reason: Flag.String("reason").pipe(
      Flag.withDescription("Reason to record in the run's event log"),
      Flag.withMetavar("text"),
      Flag.optional,
    ),
    timeout: Flag.Finite("timeout").pipe(
      Flag.withDescription(
        "Kill the run if it has not ended after this many seconds (default: its grace periods plus 5 seconds)",
      ),
      Flag.withMetavar("seconds"),
      Flag.filter(
        (seconds) => seconds >= 0,
        () => "a number of seconds, 0 or more",
      ),
      Flag.optional,
    ),
  },
  Effect.fnUntraced(function* ({ reason, run: reference, timeout }) {
    const engine = yield* openEngine
    const { json, out, style } = yield* Output
    const { alreadyTerminal, run } = yield* engine.cancel(
      reference,
      Option.getOrUndefined(reason),
      Option.getOrUndefined(Option.map(timeout, Duration.seconds)),
    )
    const { id: runId, status } = run
    if (json) return yield* out(JSON.stringify({ runId, status, alreadyTerminal }))
    const { mark, paint } = markStatus(status, style)
    const outcome =
      alreadyTerminal || status !== "cancelled" ? `had already finished (${status})` : "cancelled"
    yield* out(`${paint(mark)} ${style.bold(runId)} ${outcome}`)
    yield* out(renderNextCommand(`mill status ${runId}`, style))
  }, Effect.scoped),
).pipe(
  Command.annotate(PrintsJson, '{"runId", "status", "alreadyTerminal"}'),
  Command.withDescription("Cancel a run, its agents and any nested runs"),
  Command.withExamples([
    { command: "mill cancel last", description: "Cancel the newest run" },
    {
      command: "mill cancel run_01jx --reason 'wrong branch'",
      description: "Cancel a run, given a prefix of its id, and record the reason",
    },
  ]),
)
