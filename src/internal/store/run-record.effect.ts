/** Makes the records of runs from what can be read of their files. Writes nothing. */
import { Effect } from "effect"
import { type LogError, StoreError } from "../../domain/error.schema.ts"
import type { RunId } from "../../domain/ids.schema.ts"
import { endSalvaged, readStateFromResult } from "../../domain/salvage.ts"
import { makeRunRecord, type RunFacts, toRunFacts } from "../../domain/run-summary.ts"
import { isTerminalStatus, type RunDamage, type RunRecord } from "../../domain/run.schema.ts"
import { foldLog } from "./event-log-reader.effect.ts"
import { checkLogEnds } from "./log-ends.effect.ts"
import { RunStore } from "./run-store.effect.ts"
import { salvageLog } from "./salvage.effect.ts"

/** Names the damage that an error reports. */
export const toDamage = (runDir: string, error: LogError): RunDamage => ({
  file: error instanceof StoreError ? error.path.replace(`${runDir}/`, "") : "events.ndjson",
  message: error.message,
})

/** A record with more damage. */
export const addDamage = (run: RunRecord, damage: ReadonlyArray<RunDamage>): RunRecord =>
  damage.length === 0 ? run : { ...run, damage: [...(run.damage ?? []), ...damage] }

/** Adds events that follow the end of a run, or of a spawn, to its damage. */
export const addLogEnds = Effect.fnUntraced(function* (run: RunRecord) {
  if (run.damage?.some(({ file }) => file === "events.ndjson")) return run
  const checked = yield* Effect.result(checkLogEnds(run.paths.eventsFile))
  return checked._tag === "Success" ? run : addDamage(run, [toDamage(run.paths.runDir, checked.failure)])
})

/** Reads what does not depend on the run's events: from its plan, else from its last snapshot, else from its log. */
export const readFacts = Effect.fnUntraced(function* (runId: RunId) {
  const store = yield* RunStore
  const { eventsFile, runDir } = store.paths(runId)
  const plan = yield* Effect.result(store.plan(runId))
  if (plan._tag === "Success") return { facts: toRunFacts(plan.success), damage: [] }
  if (yield* store.hasOtherPlanVersion(runId)) return yield* plan.failure
  const damage: ReadonlyArray<RunDamage> = [toDamage(runDir, plan.failure)]
  const facts: RunFacts | undefined = yield* store.snapshot(runId)
  if (facts !== undefined) return { facts, damage }
  const { driver = "unknown", start } = yield* salvageLog(eventsFile)
  if (start === undefined) return yield* plan.failure
  const { parentRunId, planId, programPath } = start
  return { facts: { id: runId, driver, executor: "unknown", parentRunId, planId, programPath }, damage }
})

/** Makes the run's record from its log, or reads its snapshot when the run has ended. */
export const readRecord = Effect.fnUntraced(function* (runId: RunId) {
  const store = yield* RunStore
  const known = yield* store.endedRecord(runId)
  if (known !== undefined) return known
  const { damage, facts } = yield* readFacts(runId)
  const paths = store.paths(runId)
  return addDamage(makeRunRecord(facts, paths, yield* foldLog(paths.eventsFile)), damage)
})

/**
 * Makes the record of a run that cannot be settled or read because of `error`, from its result and the events that can
 * be read. Fails with `error` when they do not show what is wrong.
 */
export const salvageRecord = Effect.fnUntraced(function* <E, R>(
  runId: RunId,
  error: LogError,
  isAbandoned: Effect.Effect<boolean, E, R>,
) {
  const store = yield* RunStore
  const paths = store.paths(runId)
  const { damage, facts } = yield* readFacts(runId)
  const { problem, state } = yield* salvageLog(paths.eventsFile)
  if (problem === undefined && !isTerminalStatus(state.status)) return yield* error
  const named =
    problem === undefined ? toDamage(paths.runDir, error) : { file: "events.ndjson", message: problem }
  const result = problem === undefined ? undefined : yield* Effect.option(store.result(runId))
  const known = result?._tag === "Some" ? readStateFromResult(result.value, state.sequence) : state
  const ended = isTerminalStatus(known.status) || !(yield* isAbandoned) ? known : endSalvaged(known)
  return addDamage(makeRunRecord(facts, paths, ended), [...damage, named])
})
