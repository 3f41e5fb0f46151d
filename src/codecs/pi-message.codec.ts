/**
 * The assistant messages in `message_start` and `message_end` of pi's `--mode json` (@earendil-works/pi-coding-agent 0.87.1
 * and 1.5.2, docs/message-types.md). Messages of other roles are ignored.
 */
import { Schema } from "effect"
import type { Usage } from "../domain/spawn.schema.ts"
import { ifValid, readTexts } from "./line.codec.ts"

const MessageLine = Schema.Struct({
  message: Schema.Struct({
    role: Schema.Literal("assistant"),
    content: ifValid(Schema.Array(Schema.Unknown)),
    stopReason: ifValid(Schema.NonEmptyString),
    errorMessage: ifValid(Schema.String),
    provider: ifValid(Schema.NonEmptyString),
    model: ifValid(Schema.NonEmptyString),
    usage: ifValid(
      Schema.Struct({
        input: Schema.Finite,
        output: Schema.Finite,
        cacheRead: ifValid(Schema.Finite),
        cacheWrite: ifValid(Schema.Finite),
        cost: ifValid(Schema.Struct({ total: Schema.Finite })),
      }),
    ),
  }),
})
export type Message = (typeof MessageLine.Type)["message"]

export const decodeMessage = Schema.decodeUnknownOption(MessageLine)

/** The text of a message, one block per line, as pi prints it without `--mode json`. */
export const readText = (message: Message): string => readTexts(message.content).join("\n")

/** The model of a message, in the format that a spawn takes. */
export const readModel = ({ model, provider }: Message): string | undefined =>
  model === undefined || provider === undefined ? model : `${provider}/${model}`

export const readError = (message: Message): string | undefined =>
  message.stopReason === "error" || message.stopReason === "aborted"
    ? message.errorMessage || `the turn ended with ${message.stopReason}`
    : undefined

/**
 * Adds the usage of one more request to a total. pi reports zeros for a request that failed before its usage was known, so
 * zeros are unknown.
 */
export const addUsage = (total: Usage | undefined, usage: Message["usage"]): Usage | undefined => {
  if (usage === undefined) return total
  const { cacheRead = 0, cacheWrite = 0, input, output } = usage
  if (input + output + cacheRead + cacheWrite === 0) return total
  const before: Usage = total ?? { inputTokens: 0, outputTokens: 0, costUsd: 0 }
  const costUsd =
    before.costUsd === undefined || usage.cost === undefined ? undefined : before.costUsd + usage.cost.total
  return {
    inputTokens: before.inputTokens + input,
    outputTokens: before.outputTokens + output,
    cacheReadTokens: usage.cacheRead === undefined ? undefined : (before.cacheReadTokens ?? 0) + cacheRead,
    cacheWriteTokens:
      usage.cacheWrite === undefined ? undefined : (before.cacheWriteTokens ?? 0) + cacheWrite,
    costUsd,
  }
}
