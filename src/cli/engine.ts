/** What the commands share: the engine, the run argument, and exit codes other than 0. */
import { Data, Effect, Option } from "effect"
import { Argument, Flag } from "effect/cli"
import type { RunRecord } from "../domain/run.schema.ts"
import { runsDirFlag } from "./global-flags.ts"
import { Output } from "./output.ts"

/** Opens the engine of this command line. The engine is loaded on use, so that help and usage errors stay fast. */
export const openEngine = Effect.gen(function* () {
  const { createEngine } = yield* Effect.promise(() => import("../public/engine.api.ts"))
  return yield* createEngine({ runsDir: Option.getOrUndefined(yield* runsDirFlag) })
})

export type CommandEngine = Effect.Success<typeof openEngine>

export const runArgument = Argument.String("run").pipe(
  Argument.withDescription('Run id, a prefix of a run id, or "last"'),
)

/** Clients of earlier versions pass the driver to every command. Only `run` uses it. */
export const ignoredDriverFlag = Flag.String("driver").pipe(
  Flag.withDescription("Ignored: a run keeps the driver that it was started with"),
  Flag.withHidden,
  Flag.optional,
)

/** Ends a command that has printed everything, with this exit code. */
export class ExitWith extends Data.TaggedError("ExitWith")<{ readonly exitCode: number }> {}

/** Warns about a run's damaged files on standard error. */
export const warnOfDamage = Effect.fnUntraced(function* ({ damage = [], id }: RunRecord) {
  const { err, errStyle } = yield* Output
  for (const { message } of damage) yield* err(`${errStyle.yellow("warning:")} ${id}: ${message}`)
})

/** Whether the run's log is damaged, so that its status may be wrong. */
const hasDamagedLog = ({ damage = [] }: RunRecord): boolean =>
  damage.some(({ file }) => file === "events.ndjson")

/** Exits with code 1 if the run's log is damaged. */
export const exitIfDamaged = (run: RunRecord): Effect.Effect<void, ExitWith> =>
  hasDamagedLog(run) ? new ExitWith({ exitCode: 1 }) : Effect.void

/** Exits with the code of the run's status: 0 complete, 1 failed, 130 cancelled. */
export const exitWithStatus = (run: RunRecord): Effect.Effect<void, ExitWith> =>
  run.status === "complete"
    ? exitIfDamaged(run)
    : new ExitWith({ exitCode: run.status === "cancelled" ? 130 : 1 })
