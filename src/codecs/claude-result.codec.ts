/**
 * The line with which Claude Code ends: `{"type":"result", ...}` of `--output-format stream-json`
 * (@anthropic-ai/claude-code 2.1.329). A field that is missing or odd costs no more than itself, so that a newer claude
 * can still be heard to have finished.
 */
import { Schema } from "effect"
import type { Usage } from "../domain/spawn.schema.ts"
import { ifValid, jsonText } from "./line.codec.ts"

const ModelUsage = Schema.Record(
  Schema.String,
  Schema.Struct({
    inputTokens: Schema.Finite,
    outputTokens: Schema.Finite,
    cacheReadInputTokens: Schema.Finite,
    cacheCreationInputTokens: Schema.Finite,
  }),
)

const ResultLine = Schema.Struct({
  session_id: ifValid(Schema.NonEmptyString),
  subtype: ifValid(Schema.NonEmptyString),
  is_error: Schema.optional(Schema.Unknown),
  result: ifValid(Schema.String),
  structured_output: Schema.optional(Schema.Unknown),
  errors: ifValid(Schema.Array(Schema.String)),
  api_error_status: ifValid(Schema.Finite),
  terminal_reason: ifValid(Schema.String),
  stop_reason: ifValid(Schema.NonEmptyString),
  total_cost_usd: ifValid(Schema.Finite),
  modelUsage: ifValid(ModelUsage),
  usage: ifValid(
    Schema.Struct({
      input_tokens: Schema.Finite,
      output_tokens: Schema.Finite,
      cache_read_input_tokens: ifValid(Schema.Finite),
      cache_creation_input_tokens: ifValid(Schema.Finite),
    }),
  ),
})
/** The fields of a result that mill reads. */
export type ResultLine = typeof ResultLine.Type

export const decodeResult = Schema.decodeUnknownOption(ResultLine)

/** The answer of a claude that finished without an error; `said` is what it said last. */
export const answerOf = (result: ResultLine, said: string): string => {
  const text = result.result ?? said
  const { structured_output: structured } = result
  return text === "" && structured !== undefined && structured !== null ? (jsonText(structured) ?? "") : text
}

/** What went wrong, or nothing. */
export const failureOf = (result: ResultLine): string | undefined => {
  const subtype = result.subtype === "success" ? undefined : result.subtype
  const flagged = result.is_error !== undefined && result.is_error !== null && result.is_error !== false
  if (subtype === undefined && !flagged) return undefined
  const interrupted = result.terminal_reason?.startsWith("aborted") === true
  // An interrupted turn carries nothing but a note for claude's own developers.
  const told = interrupted
    ? `interrupted (${result.terminal_reason})`
    : [...(result.errors ?? []), result.result ?? ""].filter((text) => text !== "").join("; ")
  const status = result.api_error_status
  const message = status === undefined || told.includes(`${status}`) ? told : `API error ${status}: ${told}`
  if (subtype !== undefined) return message === "" ? subtype : `${subtype}: ${message}`
  return message === "" ? "claude reported an error without saying which" : message
}

/**
 * The sum over all models, which is what the cost was reckoned from. `usage` counts the last turn alone, and nothing
 * when that turn was cut short.
 */
export const usageOf = (result: ResultLine): Usage | undefined => {
  const cost = result.total_cost_usd === undefined ? {} : { costUsd: result.total_cost_usd }
  const models = Object.values(result.modelUsage ?? {})
  if (models.length > 0) {
    const sum = (key: keyof (typeof models)[number]) => models.reduce((total, model) => total + model[key], 0)
    return {
      inputTokens: sum("inputTokens"),
      outputTokens: sum("outputTokens"),
      cacheReadTokens: sum("cacheReadInputTokens"),
      cacheWriteTokens: sum("cacheCreationInputTokens"),
      ...cost,
    }
  }
  const { usage } = result
  // Zeros are what claude tells where no request came through: nothing was counted, which is not zero.
  if (usage === undefined || usage.input_tokens + usage.output_tokens === 0) return undefined
  const { cache_creation_input_tokens: cacheWriteTokens, cache_read_input_tokens: cacheReadTokens } = usage
  return {
    inputTokens: usage.input_tokens,
    outputTokens: usage.output_tokens,
    ...(cacheReadTokens === undefined ? {} : { cacheReadTokens }),
    ...(cacheWriteTokens === undefined ? {} : { cacheWriteTokens }),
    ...cost,
  }
}
