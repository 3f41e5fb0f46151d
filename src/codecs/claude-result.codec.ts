/**
 * The last line of Claude Code: `{"type":"result", ...}` of `--output-format stream-json` (@anthropic-ai/claude-code
 * 2.1.329). A missing or invalid field is ignored on its own, so that the end of a newer claude is still recognized.
 */
import { Schema } from "effect"
import type { Usage } from "../domain/spawn.schema.ts"
import { ifValid, formatJson } from "./line.codec.ts"

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
export type ResultLine = typeof ResultLine.Type

export const decodeResult = Schema.decodeUnknownOption(ResultLine)

/** The answer of a result without an error; `lastText` is claude's last message. */
export const readResultAnswer = (result: ResultLine, lastText: string): string => {
  const text = result.result ?? lastText
  const { structured_output: structured } = result
  return text === "" && structured !== undefined && structured !== null
    ? (formatJson(structured) ?? "")
    : text
}

export const readResultError = (result: ResultLine): string | undefined => {
  const subtype = result.subtype === "success" ? undefined : result.subtype
  const flagged = result.is_error !== undefined && result.is_error !== null && result.is_error !== false
  if (subtype === undefined && !flagged) return undefined
  const interrupted = result.terminal_reason?.startsWith("aborted") === true
  // The text of an interrupted turn is a note for claude's own developers.
  const reason = interrupted
    ? `interrupted (${result.terminal_reason})`
    : [...(result.errors ?? []), result.result ?? ""].filter((text) => text !== "").join("; ")
  const status = result.api_error_status
  const message =
    status === undefined || reason.includes(`${status}`) ? reason : `API error ${status}: ${reason}`
  if (subtype !== undefined) return message === "" ? subtype : `${subtype}: ${message}`
  return message === "" ? "claude reported an error without details" : message
}

/**
 * The usage of all models, from which claude computes the cost. The line's `usage` counts only the last turn, and nothing
 * if that turn was cut short.
 */
export const readResultUsage = (result: ResultLine): Usage | undefined => {
  const costUsd = result.total_cost_usd
  const models = Object.values(result.modelUsage ?? {})
  if (models.length > 0) {
    const sum = (key: keyof (typeof models)[number]) => models.reduce((total, model) => total + model[key], 0)
    return {
      inputTokens: sum("inputTokens"),
      outputTokens: sum("outputTokens"),
      cacheReadTokens: sum("cacheReadInputTokens"),
      cacheWriteTokens: sum("cacheCreationInputTokens"),
      costUsd,
    }
  }
  const { usage } = result
  // claude reports zeros if no request succeeded: the usage is unknown, not zero.
  if (usage === undefined || usage.input_tokens + usage.output_tokens === 0) return undefined
  const { cache_creation_input_tokens: cacheWriteTokens, cache_read_input_tokens: cacheReadTokens } = usage
  return {
    inputTokens: usage.input_tokens,
    outputTokens: usage.output_tokens,
    cacheReadTokens,
    cacheWriteTokens,
    costUsd,
  }
}
