/** The snapshots of a run that has ended: `result.json` first, `run.json` last, so that who sees the end sees all. */
import { Effect } from "effect"
import type { Plan } from "../../domain/plan.schema.ts"
import { type RunState, textLimit } from "../../domain/run-state.schema.ts"
import { runResult, spawnsInOrder } from "../../domain/run-summary.schema.ts"
import { isTerminalStatus } from "../../domain/run.schema.ts"
import { fullTexts } from "../store/full-texts.effect.ts"
import { RunStore } from "../store/run-store.effect.ts"

/** Writes what the final `state` of the run amounts to. */
export const writeSnapshots = Effect.fn("Run.writeSnapshots")(function* (plan: Plan, state: RunState) {
  const store = yield* RunStore
  const { runId } = plan.invocation
  if (isTerminalStatus(state.status) && state.completedAt !== undefined) {
    const cut = spawnsInOrder(state).some((spawn) => spawn.result?.text.length === textLimit)
    const texts = cut ? yield* fullTexts(store.paths(runId).eventsFile) : undefined
    yield* store.writeResult(runResult(runId, state, state.status, state.completedAt, texts))
  }
  return yield* store.writeRecord(plan, state)
})
