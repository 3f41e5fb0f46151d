/** What the commands share: the engine, the run argument, and exit codes other than 0. */
import { Data, Effect, Option } from "effect"
import { Argument } from "effect/cli"
import type { RunRecord } from "../domain/run.schema.ts"
import { runsDirFlag } from "./global-flags.ts"

/** Opens the engine of this command line. The engine is loaded on use, so that help and usage errors stay fast. */
export const openEngine = Effect.gen(function* () {
  const { createEngine } = yield* Effect.promise(() => import("../public/engine.api.ts"))
  return yield* createEngine({ runsDir: Option.getOrUndefined(yield* runsDirFlag) })
})

export type CommandEngine = Effect.Success<typeof openEngine>

export const runArgument = Argument.String("run").pipe(
  Argument.withDescription('Run id, a prefix of a run id, or "last"'),
)

/** Ends a command that has printed everything, with this exit code. */
export class ExitWith extends Data.TaggedError("ExitWith")<{ readonly exitCode: number }> {}

/** Exits with the code of the run's status: 0 complete, 1 failed, 130 cancelled. */
export const exitWithStatus = ({ status }: RunRecord): Effect.Effect<void, ExitWith> =>
  status === "complete" ? Effect.void : new ExitWith({ exitCode: status === "cancelled" ? 130 : 1 })
