/**
 * Folds a damaged log. It applies an event that the regular fold refuses as far as possible, and names the damage. It never
 * fails.
 */
import { HashMap, Result } from "effect"
import { isRunTerminal, type MillEvent } from "./event.schema.ts"
import { type RunState, type SpawnState, transition } from "./run-state.schema.ts"
import { isTerminalStatus, lostMessage, type RunResult } from "./run.schema.ts"

/** A state, and what was wrong with the event that led to it. */
export type Salvaged = { readonly state: RunState; readonly problem?: string | undefined }

const unknownEnd = "its end is missing from the damaged log"

/** Ends the spawns whose end is missing. */
const endSpawns = (state: RunState, endedAt: string): RunState => {
  const { counts } = state
  const spawns = HashMap.map(state.spawns, (spawn): SpawnState =>
    spawn.status === "running" ? { ...spawn, status: "error", endedAt, errorMessage: unknownEnd } : spawn,
  )
  return {
    ...state,
    spawns,
    counts: { ...counts, running: 0, error: counts.error + counts.running },
  }
}

/** The state of a run whose worker has died, and whose damaged log shows no end. */
export const endSalvaged = (state: RunState): RunState => ({
  ...endSpawns(state, state.updatedAt ?? ""),
  status: "failed",
  completedAt: state.updatedAt,
  errorMessage: lostMessage,
})

/** The state of a run that has this result. */
export const readStateFromResult = (result: RunResult, sequence: number): RunState => {
  const { completedAt, errorLocation, errorMessage, programResult, startedAt, status } = result
  const spawns = result.spawns.map((spawn): SpawnState => ({
    ...spawn,
    startedAt,
    endedAt: completedAt,
    result: spawn,
  }))
  const count = (wanted: SpawnState["status"]) => spawns.filter((spawn) => spawn.status === wanted).length
  return {
    status,
    sequence,
    cancelling: false,
    startedAt,
    updatedAt: completedAt,
    completedAt,
    errorMessage,
    location: errorLocation,
    programResult,
    spawns: HashMap.fromIterable(spawns.map((spawn) => [spawn.spawnId, spawn])),
    counts: {
      started: spawns.length,
      running: count("running"),
      complete: count("complete"),
      error: count("error"),
      cancelled: count("cancelled"),
    },
  }
}

/** The state after one more event of a damaged log. */
export const salvageEvent = (state: RunState, event: MillEvent): Salvaged => {
  const { sequence, timestamp, type } = event
  if (isTerminalStatus(state.status))
    return { state, problem: `event ${sequence} (${type}): the run has already ended (${state.status})` }
  if (sequence <= state.sequence)
    return { state, problem: `event ${sequence} (${type}) follows event ${state.sequence}` }
  const missing = sequence - state.sequence - 1
  const gap =
    missing === 0
      ? undefined
      : missing === 1
        ? `event ${sequence - 1} is missing`
        : `events ${state.sequence + 1} to ${sequence - 1} are missing`
  const numbered = { sequence, updatedAt: timestamp }
  if (missing > 0 && event.type === "run:complete")
    return {
      state: { ...readStateFromResult(event.payload.result, sequence), updatedAt: timestamp },
      problem: gap,
    }
  const started: RunState =
    missing > 0 && state.status === "pending" && type !== "run:start"
      ? { ...state, status: "running", startedAt: timestamp }
      : state
  const before = isRunTerminal(event) ? endSpawns(started, timestamp) : started
  const unended =
    before !== started && started.counts.running > 0
      ? `event ${sequence} (${type}) ends the run, but ${started.counts.running} of its spawns have no end`
      : undefined
  return Result.match(transition(before, event, timestamp), {
    onFailure: ({ reason }) => ({
      state: { ...started, ...numbered },
      problem: gap ?? `event ${sequence} (${type}): ${reason}`,
    }),
    onSuccess: (next) => ({ state: { ...next, ...numbered }, problem: gap ?? unended }),
  })
}
