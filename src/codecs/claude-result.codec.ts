/**
 * The last line of Claude Code: `{"type":"result", ...}` of `--output-format stream-json` (@anthropic-ai/claude-code
 * 2.1.197 to 2.1.330). Decoding ignores each missing or invalid field, so that it accepts the last line of newer versions.
 */
import { Schema } from "effect"
import type { Usage } from "../domain/spawn.schema.ts"
import { addUsage, Amount, ifValid, formatJson } from "./line.codec.ts"

/** Usage by model. */
const ModelUsage = Schema.Record(
  Schema.String,
  Schema.Struct({
    inputTokens: Amount,
    outputTokens: Amount,
    cacheReadInputTokens: Amount,
    cacheCreationInputTokens: Amount,
    costUSD: ifValid(Amount),
  }),
)
type ModelUsage = typeof ModelUsage.Type

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
  total_cost_usd: ifValid(Amount),
  uuid: ifValid(Schema.NonEmptyString),
  modelUsage: ifValid(ModelUsage),
  /** 2.1.312 has it and 2.1.303 does not: the part of `modelUsage` that no earlier line of this claude has counted. */
  model_usage_since_last_result: ifValid(ModelUsage),
  usage: ifValid(
    Schema.Struct({
      input_tokens: Amount,
      output_tokens: Amount,
      cache_read_input_tokens: ifValid(Amount),
      cache_creation_input_tokens: ifValid(Amount),
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
  const status = result.api_error_status
  const { is_error: isError = status !== undefined } = result
  const flagged = isError !== null && isError !== false
  if (subtype === undefined && !flagged)
    return isUnknown(result) ? "claude's result line is unknown" : undefined
  const interrupted = result.terminal_reason?.startsWith("aborted") === true
  // The text of an interrupted turn is a note for claude's own developers.
  const reason = interrupted
    ? `interrupted (${result.terminal_reason})`
    : [...(result.errors ?? []), result.result ?? ""].filter((text) => text !== "").join("; ")
  const message =
    status === undefined || reason.includes(`${status}`) ? reason : `API error ${status}: ${reason}`
  if (subtype !== undefined) return message === "" ? subtype : `${subtype}: ${message}`
  return message === "" ? "claude reported an error without details" : message
}

/** Whether a line says nothing about how the turn ended: it may come from another program. */
const isUnknown = ({
  is_error: isError,
  result,
  structured_output: structured,
  subtype,
}: ResultLine): boolean => [isError, result, structured, subtype].every((field) => field === undefined)

/** The usage of all models; unknown if none was used. claude reports a cost of 0 for a call that failed. */
const sumModels = (models: ModelUsage | undefined): Usage | undefined =>
  Object.values(models ?? {}).reduce<Usage | undefined>(
    (total, model) =>
      addUsage(total, {
        inputTokens: model.inputTokens,
        outputTokens: model.outputTokens,
        cacheReadTokens: model.cacheReadInputTokens,
        cacheWriteTokens: model.cacheCreationInputTokens,
        costUsd: model.costUSD,
      }),
    undefined,
  )

/**
 * The usage of a claude that reports only totals. `modelUsage` also counts side requests and turns that were cut short;
 * `usage` counts only the last turn.
 */
export const readTotalUsage = (result: ResultLine): Usage | undefined => {
  const costUsd = result.total_cost_usd
  const models = sumModels(result.modelUsage)
  if (models !== undefined) return { ...models, costUsd: costUsd === 0 ? undefined : costUsd }
  const { usage } = result
  return (
    usage &&
    addUsage(undefined, {
      inputTokens: usage.input_tokens,
      outputTokens: usage.output_tokens,
      cacheReadTokens: usage.cache_read_input_tokens,
      cacheWriteTokens: usage.cache_creation_input_tokens,
      costUsd,
    })
  )
}

/** The usage since the last line, if claude reports it. */
export const readNewUsage = (result: ResultLine): Usage | undefined =>
  sumModels(result.model_usage_since_last_result)
