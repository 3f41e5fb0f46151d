/**
 * One agent invocation: what a program asks for and what it gets.
 */
import { Schema } from "effect"
import { SpawnId } from "./ids.schema.ts"

/** What a program passes to `mill.spawn`: who the agent is, what it is to do, and which model does it. */
export const SpawnOptions = Schema.Struct({
  agent: Schema.NonEmptyString,
  systemPrompt: Schema.NonEmptyString,
  prompt: Schema.NonEmptyString,
  model: Schema.NonEmptyString,
  /** The conversation to go on with: the `sessionRef` of an earlier answer of the same driver. */
  sessionRef: Schema.optional(Schema.NonEmptyString),
})
export type SpawnOptions = typeof SpawnOptions.Type

/**
 * Tokens and money, as the agent reported them. A field that is absent is unknown, which is not zero. Tokens that were
 * read from a cache are not among `inputTokens`, whichever agent it is.
 */
export const Usage = Schema.Struct({
  inputTokens: Schema.Finite,
  outputTokens: Schema.Finite,
  cacheReadTokens: Schema.optional(Schema.Finite),
  cacheWriteTokens: Schema.optional(Schema.Finite),
  costUsd: Schema.optional(Schema.Finite),
})
export type Usage = typeof Usage.Type

const known = {
  text: Schema.String,
  agent: Schema.NonEmptyString,
  model: Schema.NonEmptyString,
  driver: Schema.NonEmptyString,
  stopReason: Schema.optional(Schema.String),
  errorMessage: Schema.optional(Schema.String),
  usage: Schema.optional(Usage),
  /** Milliseconds from the start of the agent to the end of its output. */
  durationMs: Schema.Finite,
}

/** The answer of an agent that finished: it gave a final answer without an error, and exited with 0. */
export const SpawnResult = Schema.Struct({
  ...known,
  sessionRef: Schema.NonEmptyString,
  exitCode: Schema.Int,
})
export type SpawnResult = typeof SpawnResult.Type

/** What is known of an agent that failed. `stderr` is the last 8 KiB of what it wrote there. */
export const FailedSpawnResult = Schema.Struct({
  ...known,
  sessionRef: Schema.optional(Schema.NonEmptyString),
  exitCode: Schema.optional(Schema.Int),
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

/** A spawn in a run's result: its result as far as known, which spawn it was, and how it ended. */
export const SpawnSummary = Schema.Struct({
  ...FailedSpawnResult.fields,
  spawnId: SpawnId,
  status: SpawnStatus,
})
export type SpawnSummary = typeof SpawnSummary.Type
