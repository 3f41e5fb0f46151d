/** A run's record and its result, made from the state of its log. */
import { HashMap } from "effect"
import { defined } from "./defined.ts"
import { readCreatedAt } from "./run-time.ts"
import { makeSessionRef, readSpawnNumber, type RunId, type SpawnId } from "./ids.schema.ts"
import type { Plan } from "./plan.schema.ts"
import type { RunState, SpawnState } from "./run-state.schema.ts"
import {
  isTerminalStatus,
  type RunPaths,
  type RunRecord,
  type RunResult,
  type RunUsage,
  type SpawnCounts,
} from "./run.schema.ts"
import type { SpawnSummary, Usage } from "./spawn.schema.ts"

/** The spawns of a run in order of start. */
export const listSpawns = (state: RunState): ReadonlyArray<SpawnState> =>
  Array.from(HashMap.values(state.spawns)).sort(
    (a, b) => readSpawnNumber(a.spawnId) - readSpawnNumber(b.spawnId),
  )

/** A spawn as it appears in a run's result, or as it is `now` (in milliseconds) if it is running. */
export const summarizeSpawn = (runId: RunId, spawn: SpawnState, now: number): SpawnSummary => {
  const { activity, agent, driver, endedAt, model, result, spawnId, startedAt, status } = spawn
  return defined({
    text: "",
    agent,
    model,
    driver,
    durationMs: Math.max(0, (endedAt === undefined ? now : Date.parse(endedAt)) - Date.parse(startedAt)),
    ...result,
    // Logs of earlier versions may lack them.
    ...(endedAt !== undefined && {
      sessionRef: result?.sessionRef ?? makeSessionRef(runId, spawnId),
      exitCode: result?.exitCode ?? null,
    }),
    errorMessage: result?.errorMessage ?? spawn.errorMessage,
    spawnId,
    status,
    startedAt,
    activity,
  })
}

/** The sum of the known values; `undefined` if none is known. */
const sumKnown = (values: ReadonlyArray<number | undefined>): number | undefined =>
  values.reduce((total, value) => (value === undefined ? total : (total ?? 0) + value), undefined)

/** The total usage of the spawns that have ended; `undefined` if none of them reported usage. */
export const sumUsage = (state: RunState): RunUsage | undefined => {
  const ended = listSpawns(state).filter((spawn) => spawn.status !== "running")
  const reported: ReadonlyArray<Usage> = ended.flatMap((spawn) => spawn.result?.usage ?? [])
  if (reported.length === 0) return undefined
  const sum = (key: keyof Usage) => sumKnown(reported.map((usage) => usage[key]))
  const costIsKnown = reported.filter(({ costUsd }) => costUsd !== undefined).length === ended.length
  return {
    inputTokens: sum("inputTokens") ?? 0,
    outputTokens: sum("outputTokens") ?? 0,
    cacheReadTokens: sum("cacheReadTokens"),
    cacheWriteTokens: sum("cacheWriteTokens"),
    [costIsKnown ? "costUsd" : "costUsdAtLeast"]: sum("costUsd"),
    spawnsWithoutUsage: ended.length - reported.length || undefined,
  }
}

/** The result of a run that ends or has ended. `texts` has full answers, which replace those that the state has cut. */
export const makeRunResult = (
  runId: RunId,
  state: RunState,
  status: RunResult["status"],
  completedAt: string,
  texts: ReadonlyMap<SpawnId, string> = new Map(),
): RunResult => ({
  runId,
  status,
  startedAt: state.startedAt ?? completedAt,
  completedAt,
  spawns: listSpawns(state).map((spawn) => {
    const summary = summarizeSpawn(runId, spawn, Date.parse(completedAt))
    return { ...summary, text: texts.get(spawn.spawnId) ?? summary.text }
  }),
  programResult: state.programResult,
  errorMessage: state.errorMessage,
  errorLocation: state.location,
  usage: sumUsage(state),
})

/** The fields of a run's record that do not depend on its events. */
export type RunFacts = Pick<
  RunRecord,
  "id" | "programPath" | "driver" | "executor" | "planId" | "metadata" | "parentRunId"
>

export const toRunFacts = ({ driver, executor, invocation, planId, programPath }: Plan): RunFacts => ({
  id: invocation.runId,
  programPath,
  driver: driver.name,
  executor: executor.name,
  planId,
  metadata: invocation.metadata,
  parentRunId: invocation.parentRunId,
})

/** A run at a glance. Unknown fields are absent, as in the record that is read from disk. */
export const makeRunRecord = (facts: RunFacts, paths: RunPaths, state: RunState): RunRecord => {
  const { driver, executor, id, metadata = {}, parentRunId, planId, programPath } = facts
  const createdAt = new Date(readCreatedAt(id)).toISOString()
  return defined({
    id,
    status: state.status,
    programPath,
    driver,
    executor,
    createdAt,
    updatedAt: state.updatedAt ?? createdAt,
    startedAt: state.startedAt,
    completedAt: state.completedAt,
    planId,
    metadata: Object.keys(metadata).length === 0 ? undefined : metadata,
    spawns: state.counts,
    usage: sumUsage(state),
    errorMessage: state.errorMessage,
    errorLocation: state.location,
    parentRunId,
    paths,
    summaryHuman: summarizeRun(id, state),
  })
}

/** The counts that are not zero, in words. */
export const listCounts = (counts: SpawnCounts) =>
  (["running", "complete", "error", "cancelled"] as const).flatMap((status) =>
    counts[status] > 0
      ? [{ status, text: `${counts[status]} ${status === "error" ? "failed" : status}` }]
      : [],
  )

const summarizeRun = (runId: RunId, state: RunState): string => {
  const { counts } = state
  const parts = listCounts(counts).map(({ text }) => text)
  const spawns =
    counts.started === 0
      ? "no spawns"
      : `${counts.started} ${counts.started === 1 ? "spawn" : "spawns"}: ${parts.join(", ")}`
  const status = state.cancelling && !isTerminalStatus(state.status) ? "cancelling" : state.status
  const why = state.errorMessage === undefined ? "" : `: ${state.errorMessage}`
  return `${runId} is ${status} (${spawns})${why}`
}
