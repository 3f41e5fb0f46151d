/** `mill wait <run> --timeout <seconds>` */
import { Duration, Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { PrintsJson } from "./discovery.ts"
import { exitWithStatus, ignoredDriverFlag, openEngine, runArgument, warnOfDamage } from "./engine.ts"
import { Output } from "./output.ts"
import { printRun } from "./status.command.ts"

export const waitCommand = Command.make(
  "wait",
  {
    run: runArgument,
    driver: ignoredDriverFlag,
    timeout: Flag.Finite("timeout").pipe(
      Flag.withDescription("Maximum seconds to wait (default: no limit)"),
      Flag.withMetavar("seconds"),
      Flag.filter(
        (seconds) => seconds >= 0,
        () => "a number of seconds, 0 or more",
      ),
      Flag.optional,
    ),
  },
  Effect.fnUntraced(function* ({ run: reference, timeout }) {
    const engine = yield* openEngine
    const { json, out } = yield* Output
    const limit = Option.getOrUndefined(Option.map(timeout, Duration.seconds))
    const run = yield* engine.wait(reference, limit)
    yield* json ? Effect.andThen(warnOfDamage(run), out(JSON.stringify(run))) : printRun(engine, run.id)
    yield* exitWithStatus(run)
  }, Effect.scoped),
).pipe(
  Command.annotate(PrintsJson, "RunRecord"),
  Command.withDescription(
    "Wait for a run to finish (exit code: 0 complete, 1 failed, 124 timed out, 130 cancelled)",
  ),
  Command.withShortDescription("Wait for a run to finish"),
  Command.withExamples([{ command: "mill wait last --timeout 60", description: "Wait for up to a minute" }]),
)
