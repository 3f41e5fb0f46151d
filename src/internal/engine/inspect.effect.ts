/** Reads the details of runs and spawns from their records, results and logs. */
import { Clock, Effect } from "effect"
import type { InspectedRun, InspectedSpawn } from "../../domain/engine.schema.ts"
import { RunNotFound, StoreError } from "../../domain/error.schema.ts"
import { isSpawnTerminal, type MillEvent } from "../../domain/event.schema.ts"
import { isOwnRunId, type RunId } from "../../domain/ids.schema.ts"
import { summarizeSpawn, listSpawns } from "../../domain/run-summary.ts"
import { isTerminalStatus, type RunRecord } from "../../domain/run.schema.ts"
import type { SpawnOptions, SpawnSummary } from "../../domain/spawn.schema.ts"
import { checkRegular } from "../files/regular-files.effect.ts"
import { findChangedSources } from "../plan/changes.effect.ts"
import { foldLog, openCursor } from "../store/event-log-reader.effect.ts"
import { addDamage, addLogEnds, readFacts, toDamage } from "../store/run-record.effect.ts"
import { salvageLog } from "../store/salvage.effect.ts"
import { RunStore } from "../store/run-store.effect.ts"
import { reconcileRun } from "./reconcile.effect.ts"
import { writeSnapshots } from "./snapshots.effect.ts"

/** Rebuilds a missing or damaged `result.json` from the log. */
const rebuildResult = Effect.fnUntraced(function* (runId: RunId) {
  const store = yield* RunStore
  const { facts } = yield* readFacts(runId)
  yield* writeSnapshots(facts, yield* foldLog(store.paths(runId).eventsFile))
  return yield* store.result(runId)
})

export const readResult = Effect.fnUntraced(function* (runId: RunId) {
  const store = yield* RunStore
  return yield* Effect.catchTag(store.result(runId), "StoreError", () => rebuildResult(runId))
})

/** Reads the run's record, and finds which of its sources have changed. */
export const readStatus = Effect.fn("Engine.status")(function* (runId: RunId) {
  const read = yield* reconcileRun(runId)
  const run = isTerminalStatus(read.status) ? yield* addLogEnds(read) : read
  if (!isOwnRunId(runId)) return run
  const store = yield* RunStore
  const plan = yield* Effect.result(store.plan(runId))
  const found = [
    ...(plan._tag === "Success" || (yield* store.hasOtherPlanVersion(runId)) ? [] : [plan.failure]),
    ...(yield* findLogProblem(run.paths.eventsFile)),
  ].map((error) => toDamage(run.paths.runDir, error))
  // A damaged file does not hide the record.
  const known = run.damage?.map(({ file }) => file) ?? []
  const named = addDamage(
    run,
    found.filter(({ file }) => !known.includes(file)),
  )
  if (plan._tag === "Failure") return named
  return { ...named, changedSources: yield* findChangedSources(plan.success) } satisfies RunRecord
})

/** What is wrong with a log as a file. Its events are not read. */
const findLogProblem = Effect.fnUntraced(function* (path: string) {
  const size = yield* Effect.result(checkRegular(path))
  if (size._tag === "Failure") return [size.failure]
  return size.success === undefined
    ? [new StoreError({ path, message: `cannot read ${path}: no such file or directory` })]
    : []
})

/** Reads a run, with its spawns and, once it has ended, its result. */
export const inspectRun = Effect.fn("Engine.inspectRun")(function* (runId: RunId) {
  const run = yield* readStatus(runId)
  if (!isOwnRunId(runId)) return yield* inspectOlder(run)
  if (isTerminalStatus(run.status)) {
    const read = yield* Effect.result(readResult(runId))
    if (read._tag === "Success")
      return { run, spawns: read.success.spawns, result: read.success } satisfies InspectedRun
    const isKnown = run.damage !== undefined
    const named = isKnown ? run : addDamage(run, [toDamage(run.paths.runDir, read.failure)])
    return { run: named, spawns: yield* readSpawns(run) } satisfies InspectedRun
  }
  return { run, spawns: yield* readSpawns(run) } satisfies InspectedRun
})

/** Reads a run of an older version. Leaves out the result if its format differs. */
const inspectOlder = Effect.fnUntraced(function* (run: RunRecord) {
  const result = yield* Effect.option((yield* RunStore).result(run.id))
  if (result._tag === "None") return { run, spawns: yield* readSpawns(run) } satisfies InspectedRun
  return { run, spawns: result.value.spawns, result: result.value } satisfies InspectedRun
})

/** The spawns of a run, from the events that can be read. */
const readSpawns = Effect.fnUntraced(function* ({ id, paths }: RunRecord) {
  const { state } = yield* salvageLog(paths.eventsFile)
  const now = yield* Clock.currentTimeMillis
  return listSpawns(state).map((spawn) => summarizeSpawn(id, spawn, now))
})

/** Reads a spawn, with its events. Its summary has the whole text of the terminal event, which a fold of the log cuts. */
export const inspectSpawn = Effect.fn("Engine.inspectSpawn")(function* (runId: RunId, spawn: string) {
  const { eventsFile } = (yield* RunStore).paths(runId)
  yield* reconcileRun(runId)
  const { state } = yield* salvageLog(eventsFile)
  const known = listSpawns(state).find(({ spawnId }) => spawnId === spawn)
  const cursor = yield* openCursor(eventsFile, () => undefined)
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
