/** A spawn: one invocation of an agent, its options and its result. */
import { Schema } from "effect"
import { SpawnId, Timestamp } from "./ids.schema.ts"

/** The options of `mill.spawn`. */
export const SpawnOptions = Schema.Struct({
  agent: Schema.NonEmptyString,
  systemPrompt: Schema.NonEmptyString,
  prompt: Schema.NonEmptyString,
  /** The model to use. Default: the driver's `defaultModel`; without one, the agent chooses. */
  model: Schema.optional(Schema.NonEmptyString),
  /** The conversation to resume: the `sessionRef` of an earlier result from the same driver. */
  sessionRef: Schema.optional(Schema.NonEmptyString),
})
export type SpawnOptions = typeof SpawnOptions.Type

/**
 * Tokens and cost, as reported by the agent. A missing field is unknown, not zero. For every agent, `inputTokens` excludes
 * tokens that were read from a cache.
 */
export const Usage = Schema.Struct({
  inputTokens: Schema.Finite,
  outputTokens: Schema.Finite,
  cacheReadTokens: Schema.optional(Schema.Finite),
  cacheWriteTokens: Schema.optional(Schema.Finite),
  costUsd: Schema.optional(Schema.Finite),
})
export type Usage = typeof Usage.Type

const keepAmount = (amount: number | undefined): number | undefined =>
  amount !== undefined && Number.isFinite(amount) && amount >= 0 ? amount : undefined

/** The usage without negative amounts, which are unknown; without both tokens, all of it is unknown. */
export const keepValidUsage = (usage: Usage | undefined): Usage | undefined => {
  const [inputTokens, outputTokens] = [keepAmount(usage?.inputTokens), keepAmount(usage?.outputTokens)]
  if (inputTokens === undefined || outputTokens === undefined) return undefined
  return {
    inputTokens,
    outputTokens,
    cacheReadTokens: keepAmount(usage?.cacheReadTokens),
    cacheWriteTokens: keepAmount(usage?.cacheWriteTokens),
    costUsd: keepAmount(usage?.costUsd),
  }
}

/** The `model` of a spawn that used its agent's own default, if the agent did not report which model that is. */
export const unknownModel = "default"

const commonFields = {
  text: Schema.String,
  agent: Schema.NonEmptyString,
  /** The model that the agent reported. If it reported none: the model that mill asked for, or `unknownModel`. */
  model: Schema.NonEmptyString,
  driver: Schema.NonEmptyString,
  stopReason: Schema.optional(Schema.String),
  errorMessage: Schema.optional(Schema.String),
  usage: Schema.optional(Usage),
  /** Milliseconds from the start of the agent to the end of its output. */
  durationMs: Schema.Finite,
}

/** The result of a spawn whose agent gave a final answer without an error and exited with code 0. */
export const SpawnResult = Schema.Struct({
  ...commonFields,
  sessionRef: Schema.NonEmptyString,
  exitCode: Schema.Int,
})
export type SpawnResult = typeof SpawnResult.Type

/**
 * What is known of a spawn that failed or was cancelled. `sessionRef` is mill's own name for the conversation if the agent
 * has named none; `exitCode` is null if no process exited. Both are absent in logs of earlier versions. `stderr` is the
 * last 8 KiB of the agent's standard error.
 */
export const FailedSpawnResult = Schema.Struct({
  ...commonFields,
  sessionRef: Schema.optional(Schema.NonEmptyString),
  exitCode: Schema.optional(Schema.NullOr(Schema.Int)),
  signal: Schema.optional(Schema.String),
  stderr: Schema.optional(Schema.String),
})
export type FailedSpawnResult = typeof FailedSpawnResult.Type

/** Why a spawn failed. */
export const SpawnErrorCause = Schema.Literals([
  "agent-error",
  "exit",
  "signal",
  "not-found",
  "codec",
  "timeout",
  "worker-lost",
])
export type SpawnErrorCause = typeof SpawnErrorCause.Type

export const SpawnStatus = Schema.Literals(["running", "complete", "error", "cancelled"])
export type SpawnStatus = typeof SpawnStatus.Type

/**
 * A spawn of a run: its id, its status, and what is known of its result. While it is running, `durationMs` is the time
 * since its start, and `activity` its latest tool call or milestone.
 */
export const SpawnSummary = Schema.Struct({
  ...FailedSpawnResult.fields,
  spawnId: SpawnId,
  status: SpawnStatus,
  startedAt: Schema.optional(Timestamp),
  activity: Schema.optional(Schema.String),
})
export type SpawnSummary = typeof SpawnSummary.Type
