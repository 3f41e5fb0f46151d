/**
 * The pure fold from a run's events to its state. Readers use it, and so does the writer, which refuses the events that
 * the fold refuses: a run and each of its spawns end once, and nothing follows an end. The state keeps `textLimit`
 * characters of each answer, so its size depends only on the number of spawns.
 */
import { HashMap, Option, Result, Schema } from "effect"
import { cutText } from "./cut-text.ts"
import { IllegalTransition } from "./error.schema.ts"
import type { EventBody, MillEvent } from "./event.schema.ts"
import { SpawnId, Timestamp } from "./ids.schema.ts"
import { isTerminalStatus, RunStatus, type SpawnCounts } from "./run.schema.ts"
import { FailedSpawnResult, SpawnOptions, SpawnStatus, unknownModel } from "./spawn.schema.ts"

/** Number of characters of an agent's text that a run's state and its `run:complete` event keep. */
export const textLimit = 200

/** A spawn according to the log. `result` is present when the spawn has ended and something is known of its result. */
export const SpawnState = Schema.Struct({
  spawnId: SpawnId,
  agent: SpawnOptions.fields.agent,
  model: Schema.NonEmptyString,
  driver: Schema.String,
  status: SpawnStatus,
  startedAt: Timestamp,
  /** The latest tool call or milestone, while the spawn is running. */
  activity: Schema.optional(Schema.String),
  endedAt: Schema.optional(Timestamp),
  errorMessage: Schema.optional(Schema.String),
  result: Schema.optional(FailedSpawnResult),
})
export type SpawnState = typeof SpawnState.Type

const RunFacts = Schema.Struct({
  status: RunStatus,
  /** The sequence number of the last event; 0 before the first. */
  sequence: Schema.Int,
  cancelling: Schema.Boolean,
  startedAt: Schema.optional(Timestamp),
  updatedAt: Schema.optional(Timestamp),
  completedAt: Schema.optional(Timestamp),
  errorMessage: Schema.optional(Schema.String),
  location: Schema.optional(Schema.String),
  programResult: Schema.optional(Schema.Json),
})

/** A run according to its log. */
export type RunState = typeof RunFacts.Type & {
  readonly spawns: HashMap.HashMap<SpawnId, SpawnState>
  readonly counts: SpawnCounts
}

/** A run before its first event. */
export const initialRunState: RunState = {
  status: "pending",
  sequence: 0,
  cancelling: false,
  spawns: HashMap.empty(),
  counts: { started: 0, running: 0, complete: 0, error: 0, cancelled: 0 },
}

const refuse = (type: string, reason: string) => Result.fail(new IllegalTransition({ type, reason }))

/** The state after one more event. Fails when the event must not follow. */
export const applyEvent = (state: RunState, event: MillEvent): Result.Result<RunState, IllegalTransition> => {
  if (event.sequence !== state.sequence + 1) {
    return refuse(event.type, `sequence number ${event.sequence} cannot follow ${state.sequence}`)
  }
  return Result.map(transition(state, event, event.timestamp), (next) => ({
    ...next,
    sequence: event.sequence,
    updatedAt: event.timestamp,
  }))
}

/** Like `applyEvent`, but for an event without a sequence number. */
export const transition = (
  state: RunState,
  body: EventBody,
  timestamp: string,
): Result.Result<RunState, IllegalTransition> => {
  const { type } = body
  if (isTerminalStatus(state.status)) return refuse(type, `the run has already ended (${state.status})`)
  if (type === "run:start") {
    return state.status === "pending"
      ? Result.succeed({ ...state, status: "running", startedAt: timestamp })
      : refuse(type, "the run has already started")
  }
  if (state.status === "pending" && !mayEndUnstarted(body)) return refuse(type, "the run has not started")
  switch (body.type) {
    case "run:status":
      return Result.succeed({ ...state, cancelling: body.payload.cancelling ?? state.cancelling })
    case "run:log":
    case "extension:error":
      return Result.succeed(state)
    case "run:complete": {
      const { completedAt, programResult } = body.payload.result
      return endRun(state, type, { status: "complete", completedAt, programResult })
    }
    case "run:failed":
      return endRun(state, type, {
        status: "failed",
        completedAt: timestamp,
        errorMessage: body.payload.message,
        location: body.payload.location,
      })
    case "run:cancelled":
      return endRun(state, type, {
        status: "cancelled",
        completedAt: timestamp,
        errorMessage: body.payload.reason,
      })
    case "spawn:start":
      return startSpawn(state, body, timestamp)
    default:
      return advanceSpawn(state, body, timestamp)
  }
}

/** A run that could not start may still fail or be cancelled. */
const mayEndUnstarted = (body: EventBody): boolean =>
  body.type === "run:failed" || body.type === "run:cancelled"

const endRun = (state: RunState, type: string, facts: Partial<RunState>) =>
  state.counts.running > 0
    ? refuse(type, `spawns are still running (${state.counts.running})`)
    : Result.succeed({ ...state, ...facts, cancelling: false })

type Body<Type extends EventBody["type"]> = Extract<EventBody, { readonly type: Type }>

const startSpawn = (state: RunState, { payload, type }: Body<"spawn:start">, timestamp: string) => {
  if (HashMap.has(state.spawns, payload.spawnId)) {
    return refuse(type, `${payload.spawnId} has already started`)
  }
  const spawn: SpawnState = {
    spawnId: payload.spawnId,
    agent: payload.input.agent,
    model: payload.input.model ?? payload.defaultModel ?? unknownModel,
    driver: payload.driver,
    status: "running",
    startedAt: timestamp,
  }
  const { counts } = state
  return Result.succeed({
    ...state,
    spawns: HashMap.set(state.spawns, payload.spawnId, spawn),
    counts: { ...counts, started: counts.started + 1, running: counts.running + 1 },
  })
}

/** What an agent is doing, as people read it. */
export const describeActivity = ({
  payload,
  type,
}: Body<"spawn:milestone"> | Body<"spawn:tool_call">): string =>
  type === "spawn:milestone" ? payload.message : `${payload.toolName} ${payload.input ?? ""}`.trimEnd()

const advanceSpawn = (
  state: RunState,
  body: Body<"spawn:milestone" | "spawn:tool_call" | "spawn:complete" | "spawn:error" | "spawn:cancelled">,
  timestamp: string,
): Result.Result<RunState, IllegalTransition> => {
  const { spawnId } = body.payload
  const spawn = Option.getOrUndefined(HashMap.get(state.spawns, spawnId))
  if (spawn === undefined) return refuse(body.type, `${spawnId} has not started`)
  if (spawn.status !== "running") return refuse(body.type, `${spawnId} has already ended (${spawn.status})`)
  if (body.type === "spawn:milestone" || body.type === "spawn:tool_call") {
    const active: SpawnState = { ...spawn, activity: cutText(describeActivity(body), textLimit) }
    return Result.succeed({ ...state, spawns: HashMap.set(state.spawns, spawnId, active) })
  }
  const status =
    body.type === "spawn:complete" ? "complete" : body.type === "spawn:error" ? "error" : "cancelled"
  const message =
    body.type === "spawn:error"
      ? body.payload.message
      : body.type === "spawn:cancelled"
        ? body.payload.reason
        : undefined
  const { result } = body.payload
  const ended: SpawnState = {
    ...spawn,
    status,
    activity: undefined,
    endedAt: timestamp,
    errorMessage: message,
    result: result && { ...result, text: cutText(result.text, textLimit) },
  }
  const { counts } = state
  return Result.succeed({
    ...state,
    spawns: HashMap.set(state.spawns, spawnId, ended),
    counts: { ...counts, running: counts.running - 1, [status]: counts[status] + 1 },
  })
}
