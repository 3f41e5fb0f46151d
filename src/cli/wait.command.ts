/** `mill wait <run> --timeout <seconds>` */
import { Duration, Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { exitAs, openEngine } from "./engine.ts"
import { PrintsJson } from "./discovery.ts"
import { Output } from "./output.ts"
import { printRun, runArgument } from "./status.command.ts"

export const waitCommand = Command.make(
  "wait",
  {
    run: runArgument,
    timeout: Flag.Finite("timeout").pipe(
      Flag.withDescription("Seconds to wait at the most; without it, until the run ends"),
      Flag.withMetavar("seconds"),
      Flag.filter(
        (seconds) => seconds >= 0,
        (seconds) => `a number of seconds from 0 on, not ${seconds}`,
      ),
      Flag.optional,
    ),
  },
  Effect.fnUntraced(function* ({ run: reference, timeout }) {
    const engine = yield* openEngine
    const { json, out } = yield* Output
    const runId = yield* engine.resolve(reference)
    const limit = Option.getOrUndefined(Option.map(timeout, Duration.seconds))
    const ended = yield* engine.wait(runId, limit)
    yield* json ? out(JSON.stringify(ended)) : printRun(engine, runId)
    yield* exitAs(ended)
  }, Effect.scoped),
).pipe(
  Command.annotate(PrintsJson, "RunRecord"),
  Command.withDescription(
    "Wait until a run has ended: exit 0 complete, 1 failed, 130 cancelled, 124 not yet",
  ),
  Command.withExamples([{ command: "mill wait last --timeout 60", description: "At most a minute" }]),
)
