/** What the commands have in common: an engine, and how they end with another exit code than 0. */
import { Data, Effect, Option } from "effect"
import type { RunRecord } from "../domain/run.schema.ts"
import { runsDirFlag } from "./global-flags.ts"

/** The engine of this command line. It is loaded on use: help and usage errors do without. */
export const openEngine = Effect.gen(function* () {
  const { createEngine } = yield* Effect.promise(() => import("../public/engine.api.ts"))
  return yield* createEngine({ runsDir: Option.getOrUndefined(yield* runsDirFlag) })
})

export type Engine = Effect.Success<typeof openEngine>

/** The command has said all that it has to say, and ends with this exit code. */
export class ExitWith extends Data.TaggedError("ExitWith")<{ readonly exitCode: number }> {}

/** Ends the command as the run has ended: 0 complete, 1 failed, 130 cancelled. */
export const exitAs = ({ status }: RunRecord): Effect.Effect<void, ExitWith> =>
  status === "complete" ? Effect.void : new ExitWith({ exitCode: status === "cancelled" ? 130 : 1 })
