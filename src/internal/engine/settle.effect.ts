/**
 * Brings a run whose work has stopped to its end: the terminal events that are missing, in order, and the snapshots.
 * Whoever does it owns the run.
 */
import { Effect } from "effect"
import type { EventBody } from "../../domain/event.schema.ts"
import type { SpawnId } from "../../domain/ids.schema.ts"
import type { Plan } from "../../domain/plan.schema.ts"
import { listSpawns } from "../../domain/run-summary.ts"
import { isTerminalStatus } from "../../domain/run.schema.ts"
import { type LogListener, openEventLog } from "../store/event-log.effect.ts"
import { RunStore } from "../store/run-store.effect.ts"
import { writeSnapshots } from "./snapshots.effect.ts"

/** How a run ends whose work has stopped. */
export type Settlement = Extract<EventBody, { readonly type: "run:failed" | "run:cancelled" }>

/** Ends the run as `settlement` says, unless its log says already how it has ended. `listener` is told what is added. */
export const settleRun = Effect.fn("Run.settle")(
  function* (plan: Plan, settlement: Settlement, listener?: LogListener) {
    const store = yield* RunStore
    const { runId } = plan.invocation
    const log = yield* openEventLog(runId, store.paths(runId).eventsFile, listener)
    if (!isTerminalStatus(log.state().status)) {
      for (const { spawnId, status } of listSpawns(log.state())) {
        if (status === "running") yield* log.append(spawnEnd(spawnId, settlement))
      }
      yield* log.append(settlement)
    }
    return yield* writeSnapshots(plan, log.state())
    // What is appended follows from the log's own state, and this process is its one writer.
  },
  Effect.scoped,
  Effect.catchTag("IllegalTransition", Effect.die),
)

const spawnEnd = (spawnId: SpawnId, settlement: Settlement): EventBody => {
  if (settlement.type === "run:cancelled") {
    const { reason } = settlement.payload
    return { type: "spawn:cancelled", payload: { spawnId, ...(reason === undefined ? {} : { reason }) } }
  }
  return {
    type: "spawn:error",
    payload: { spawnId, message: settlement.payload.message, cause: "worker-lost" },
  }
}
