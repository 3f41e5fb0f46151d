/** Reads the details of runs and spawns from their records, results and logs. */
import { Clock, Effect } from "effect"
import type { InspectedRun, InspectedSpawn } from "../../domain/engine.schema.ts"
import { RunNotFound } from "../../domain/error.schema.ts"
import { isSpawnTerminal, type MillEvent } from "../../domain/event.schema.ts"
import type { RunId } from "../../domain/ids.schema.ts"
import { summarizeSpawn, listSpawns } from "../../domain/run-summary.ts"
import { isTerminalStatus, type RunRecord } from "../../domain/run.schema.ts"
import type { SpawnOptions, SpawnSummary } from "../../domain/spawn.schema.ts"
import { findChangedSources } from "../plan/changes.effect.ts"
import { foldLog, openCursor } from "../store/event-log-reader.effect.ts"
import { checkLogEnds } from "../store/log-ends.effect.ts"
import { RunStore } from "../store/run-store.effect.ts"
import { reconcileRun } from "./reconcile.effect.ts"
import { writeSnapshots } from "./snapshots.effect.ts"

/** Rebuilds a missing or damaged `result.json` from the log. */
const rebuildResult = Effect.fnUntraced(function* (runId: RunId) {
  const store = yield* RunStore
  const plan = yield* store.plan(runId)
  yield* writeSnapshots(plan, yield* foldLog(store.paths(runId).eventsFile))
  return yield* store.result(runId)
})

export const readResult = Effect.fnUntraced(function* (runId: RunId) {
  const store = yield* RunStore
  return yield* Effect.catchTag(store.result(runId), "StoreError", () => rebuildResult(runId))
})

/** Reads the run's record, and finds which of its sources have changed. */
export const readStatus = Effect.fn("Engine.status")(function* (runId: RunId) {
  const run = yield* reconcileRun(runId)
  if (isTerminalStatus(run.status)) yield* checkLogEnds(run.paths.eventsFile)
  // A damaged plan should not hide the record.
  const plan = yield* Effect.option((yield* RunStore).plan(runId))
  if (plan._tag === "None") return run
  return { ...run, changedSources: yield* findChangedSources(plan.value) } satisfies RunRecord
})

/** Reads a run, with its spawns and, once it has ended, its result. */
export const inspectRun = Effect.fn("Engine.inspectRun")(function* (runId: RunId) {
  const run = yield* readStatus(runId)
  if (isTerminalStatus(run.status)) {
    const result = yield* readResult(runId)
    return { run, spawns: result.spawns, result } satisfies InspectedRun
  }
  const spawns = listSpawns(yield* foldLog(run.paths.eventsFile))
  const now = yield* Clock.currentTimeMillis
  return { run, spawns: spawns.map((spawn) => summarizeSpawn(runId, spawn, now)) } satisfies InspectedRun
})

/** Reads a spawn, with its events. Its summary has the whole text of the terminal event, which a fold of the log cuts. */
export const inspectSpawn = Effect.fn("Engine.inspectSpawn")(function* (runId: RunId, spawn: string) {
  const { eventsFile } = (yield* RunStore).paths(runId)
  yield* reconcileRun(runId)
  const known = listSpawns(yield* foldLog(eventsFile)).find(({ spawnId }) => spawnId === spawn)
  const cursor = yield* openCursor(eventsFile)
  const events: Array<MillEvent> = []
  let input: SpawnOptions | undefined
  while (true) {
    const entries = yield* cursor.next
    if (entries.length === 0) break
    for (const { event, known } of entries) {
      if (!known || !("spawnId" in event.payload) || event.payload.spawnId !== spawn) continue
      events.push(event)
      if (event.type === "spawn:start") input = event.payload.input
    }
  }
  if (known === undefined || input === undefined) {
    return yield* new RunNotFound({
      run: runId,
      message: `${runId} has no spawn ${JSON.stringify(spawn)}`,
      hint: `run mill status ${runId} to list the run's spawns`,
    })
  }
  const terminal = events.find(isSpawnTerminal)
  const summarized = summarizeSpawn(runId, known, yield* Clock.currentTimeMillis)
  const summary: SpawnSummary = { ...summarized, text: terminal?.payload.result?.text ?? summarized.text }
  return { runId, input, spawn: summary, events } satisfies InspectedSpawn
}, Effect.scoped)
