/** Looks at runs and spawns: what is in their records, results and logs. */
import { Effect } from "effect"
import type { InspectedRun, InspectedSpawn } from "../../domain/engine.schema.ts"
import { RunNotFound } from "../../domain/error.schema.ts"
import { isSpawnTerminal, type MillEvent } from "../../domain/event.schema.ts"
import type { RunId } from "../../domain/ids.schema.ts"
import { summarizeSpawn, listSpawns } from "../../domain/run-summary.ts"
import { isTerminalStatus, type RunRecord } from "../../domain/run.schema.ts"
import type { SpawnOptions, SpawnSummary } from "../../domain/spawn.schema.ts"
import { changedSources } from "../plan/changes.effect.ts"
import { foldLog, openCursor } from "../store/event-log-reader.effect.ts"
import { RunStore } from "../store/run-store.effect.ts"
import { currentRecord } from "./reconcile.effect.ts"
import { writeSnapshots } from "./snapshots.effect.ts"

/** A result that is lost or damaged is made from the log again. */
const rebuildResult = Effect.fnUntraced(function* (runId: RunId) {
  const store = yield* RunStore
  const plan = yield* store.plan(runId)
  yield* writeSnapshots(plan, yield* foldLog(store.paths(runId).eventsFile))
  return yield* store.result(runId)
})

/** The result of a run that has ended. */
export const resultOf = Effect.fnUntraced(function* (runId: RunId) {
  const store = yield* RunStore
  return yield* Effect.catchTag(store.result(runId), "StoreError", () => rebuildResult(runId))
})

/** The run's record, and what has become of its sources. */
export const statusOf = Effect.fn("Engine.status")(function* (runId: RunId) {
  const run = yield* currentRecord(runId)
  // A record is worth having, also of a run whose plan is damaged.
  const plan = yield* Effect.option((yield* RunStore).plan(runId))
  if (plan._tag === "None") return run
  return { ...run, changedSources: yield* changedSources(plan.value) } satisfies RunRecord
})

export const inspectRun = Effect.fn("Engine.inspectRun")(function* (runId: RunId) {
  const run = yield* statusOf(runId)
  if (isTerminalStatus(run.status)) {
    const result = yield* resultOf(runId)
    return { run, spawns: result.spawns, result } satisfies InspectedRun
  }
  const state = yield* foldLog(run.paths.eventsFile)
  return { run, spawns: listSpawns(state).map(summarizeSpawn) } satisfies InspectedRun
})

/** What its own events say of a spawn that they have led to so far, whole texts and all. */
const summaryAfter = (known: SpawnSummary, event: MillEvent): SpawnSummary =>
  isSpawnTerminal(event) ? { ...known, ...event.payload.result } : known

export const inspectSpawn = Effect.fn("Engine.inspectSpawn")(function* (runId: RunId, spawn: string) {
  const { eventsFile } = (yield* RunStore).paths(runId)
  yield* currentRecord(runId)
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
      hint: `mill status ${runId} lists its spawns`,
    })
  }
  const summary = events.reduce(summaryAfter, summarizeSpawn(known))
  return { runId, input, spawn: summary, events } satisfies InspectedSpawn
}, Effect.scoped)
