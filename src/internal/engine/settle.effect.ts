/**
 * Ends a run whose work has stopped: appends the missing terminal events, in order, and writes the snapshots. The
 * caller owns the run.
 */
import { Clock, Effect } from "effect"
import type { EventBody } from "../../domain/event.schema.ts"
import { makeSessionRef, type RunId } from "../../domain/ids.schema.ts"
import type { SpawnState } from "../../domain/run-state.schema.ts"
import { listSpawns, type RunFacts } from "../../domain/run-summary.ts"
import { isTerminalStatus } from "../../domain/run.schema.ts"
import {
  type EndedSpawn,
  makeSpawnCancellation,
  makeSpawnRefusal,
  type SpawnTerminal,
} from "../../domain/spawn-verdict.schema.ts"
import { type LogListener, openEventLog } from "../store/event-log.effect.ts"
import { RunStore } from "../store/run-store.effect.ts"
import { writeSnapshots } from "./snapshots.effect.ts"
import { recordLostEnd } from "./spawn-files.effect.ts"

/** The terminal event of a run whose work has stopped. */
export type Settlement = Extract<EventBody, { readonly type: "run:failed" | "run:cancelled" }>

/** Ends the run with `settlement`, unless its log has a terminal event already. `listener` receives the appended events. */
export const settleRun = Effect.fn("Run.settle")(
  function* (facts: RunFacts, settlement: Settlement, listener?: LogListener) {
    const store = yield* RunStore
    const paths = store.paths(facts.id)
    const log = yield* openEventLog(facts.id, paths.eventsFile, listener)
    if (!isTerminalStatus(log.state().status)) {
      const now = yield* Clock.currentTimeMillis
      for (const spawn of listSpawns(log.state())) {
        if (spawn.status !== "running") continue
        const end = toSpawnEvent(facts.id, spawn, now, settlement)
        yield* log.append(end)
        yield* recordLostEnd(paths, end)
      }
      yield* log.append(settlement)
    }
    return yield* writeSnapshots(facts, log.state())
    // The appended events follow from the log's state, and this process is the log's one writer.
  },
  Effect.scoped,
  Effect.catchTag("IllegalTransition", Effect.die),
)

/** The terminal event of a spawn that was running when its run was settled. Its agent's output is lost. */
const toSpawnEvent = (
  runId: RunId,
  { agent, driver, model, spawnId, startedAt }: SpawnState,
  now: number,
  { payload, type }: Settlement,
): SpawnTerminal => {
  const spawn: EndedSpawn = {
    spawnId,
    input: { agent, model },
    driver,
    fallbackSessionRef: makeSessionRef(runId, spawnId),
    durationMs: Math.max(0, now - Date.parse(startedAt)),
  }
  return type === "run:cancelled"
    ? makeSpawnCancellation(spawn, payload.reason)
    : makeSpawnRefusal(spawn, "worker-lost", payload.message)
}
