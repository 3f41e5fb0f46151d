/**
 * What is told of a run: its record and its result, made from the state that its log folds to.
 */
import { HashMap } from "effect"
import { readCreatedAt, readSpawnNumber, type RunId, type SpawnId } from "./ids.schema.ts"
import type { Plan } from "./plan.schema.ts"
import type { RunState, SpawnState } from "./run-state.schema.ts"
import {
  isTerminalStatus,
  type RunPaths,
  type RunRecord,
  type RunResult,
  type RunUsage,
} from "./run.schema.ts"
import type { SpawnSummary, Usage } from "./spawn.schema.ts"

/** The spawns in order of start. */
export const listSpawns = (state: RunState): ReadonlyArray<SpawnState> =>
  Array.from(HashMap.values(state.spawns)).sort(
    (a, b) => readSpawnNumber(a.spawnId) - readSpawnNumber(b.spawnId),
  )

/** A spawn as it stands in a run's result. */
export const summarizeSpawn = (spawn: SpawnState): SpawnSummary => ({
  text: "",
  agent: spawn.agent,
  model: spawn.model,
  driver: spawn.driver,
  durationMs: spawn.endedAt === undefined ? 0 : Date.parse(spawn.endedAt) - Date.parse(spawn.startedAt),
  ...(spawn.errorMessage === undefined ? {} : { errorMessage: spawn.errorMessage }),
  ...spawn.result,
  spawnId: spawn.spawnId,
  status: spawn.status,
})

const sum = (values: ReadonlyArray<number>): number => values.reduce((total, value) => total + value, 0)
const defined = (values: ReadonlyArray<number | undefined>): ReadonlyArray<number> =>
  values.filter((value) => value !== undefined)

/** What the ended spawns used together; nothing when none of them said. */
export const sumUsage = (state: RunState): RunUsage | undefined => {
  const ended = listSpawns(state).filter((spawn) => spawn.status !== "running")
  const reported: ReadonlyArray<Usage> = ended.flatMap((spawn) => spawn.result?.usage ?? [])
  if (reported.length === 0) return undefined
  const total = (key: "cacheReadTokens" | "cacheWriteTokens") => {
    const values = defined(reported.map((usage) => usage[key]))
    return values.length === 0 ? {} : { [key]: sum(values) }
  }
  const costs = defined(reported.map((usage) => usage.costUsd))
  const silent = ended.length - reported.length
  return {
    inputTokens: sum(reported.map((usage) => usage.inputTokens)),
    outputTokens: sum(reported.map((usage) => usage.outputTokens)),
    ...total("cacheReadTokens"),
    ...total("cacheWriteTokens"),
    ...(costs.length === 0
      ? {}
      : { [costs.length === ended.length ? "costUsd" : "costUsdAtLeast"]: sum(costs) }),
    ...(silent === 0 ? {} : { spawnsWithoutUsage: silent }),
  }
}

/**
 * The result of a run that ends now, or has ended. Answers longer than `textLimit` are cut as in the state, except
 * those that `texts` gives whole.
 */
export const makeRunResult = (
  runId: RunId,
  state: RunState,
  status: RunResult["status"],
  completedAt: string,
  texts: ReadonlyMap<SpawnId, string> = new Map(),
): RunResult => {
  const usage = sumUsage(state)
  return {
    runId,
    status,
    startedAt: state.startedAt ?? completedAt,
    completedAt,
    spawns: listSpawns(state).map((spawn) => {
      const summary = summarizeSpawn(spawn)
      return { ...summary, text: texts.get(spawn.spawnId) ?? summary.text }
    }),
    ...(state.programResult === undefined ? {} : { programResult: state.programResult }),
    ...(state.errorMessage === undefined ? {} : { errorMessage: state.errorMessage }),
    ...(state.location === undefined ? {} : { errorLocation: state.location }),
    ...(usage === undefined ? {} : { usage }),
  }
}

/** A run at a glance. */
export const makeRunRecord = (plan: Plan, paths: RunPaths, state: RunState): RunRecord => {
  const { invocation } = plan
  const createdAt = new Date(readCreatedAt(invocation.runId)).toISOString()
  const usage = sumUsage(state)
  return {
    id: invocation.runId,
    status: state.status,
    programPath: plan.programPath,
    driver: plan.driver.name,
    executor: plan.executor.name,
    createdAt,
    updatedAt: state.updatedAt ?? createdAt,
    ...(state.startedAt === undefined ? {} : { startedAt: state.startedAt }),
    ...(state.completedAt === undefined ? {} : { completedAt: state.completedAt }),
    planId: plan.planId,
    ...(Object.keys(invocation.metadata).length === 0 ? {} : { metadata: invocation.metadata }),
    spawns: state.counts,
    ...(usage === undefined ? {} : { usage }),
    ...(state.errorMessage === undefined ? {} : { errorMessage: state.errorMessage }),
    ...(state.location === undefined ? {} : { errorLocation: state.location }),
    ...(invocation.parentRunId === undefined ? {} : { parentRunId: invocation.parentRunId }),
    paths,
    summaryHuman: summaryHuman(invocation.runId, state),
  }
}

const summaryHuman = (runId: RunId, state: RunState): string => {
  const { counts } = state
  const parts = [
    counts.running > 0 ? `${counts.running} running` : "",
    counts.complete > 0 ? `${counts.complete} complete` : "",
    counts.error > 0 ? `${counts.error} failed` : "",
    counts.cancelled > 0 ? `${counts.cancelled} cancelled` : "",
  ].filter((part) => part !== "")
  const spawns = counts.started === 0 ? "no spawns" : `${counts.started} spawns: ${parts.join(", ")}`
  const status = state.cancelling && !isTerminalStatus(state.status) ? "cancelling" : state.status
  const why = state.errorMessage === undefined ? "" : `: ${state.errorMessage}`
  return `${runId} is ${status} (${spawns})${why}`
}
