/**
 * The assistant messages in `message_start` and `message_end` of pi's `--mode json` (@earendil-works/pi-coding-agent 0.87.1
 * and 1.5.2, docs/message-types.md). Messages of other roles are ignored.
 */
import { Schema } from "effect"
import type { Usage } from "../domain/spawn.schema.ts"
import { addUsage, Amount, ifValid, readTexts } from "./line.codec.ts"

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
        input: Amount,
        output: Amount,
        cacheRead: ifValid(Amount),
        cacheWrite: ifValid(Amount),
        cost: ifValid(Schema.Struct({ total: Amount })),
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
    : message.errorMessage || undefined

/** The total after the request of one more message. */
export const addMessageUsage = (total: Usage | undefined, { usage }: Message): Usage | undefined =>
  usage === undefined
    ? total
    : addUsage(total, {
        inputTokens: usage.input,
        outputTokens: usage.output,
        cacheReadTokens: usage.cacheRead,
        cacheWriteTokens: usage.cacheWrite,
        costUsd: usage.cost?.total,
      })
