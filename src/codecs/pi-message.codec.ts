/**
 * A message of pi: what `message_start` and `message_end` of `--mode json` carry for the role `assistant`
 * (@earendil-works/pi-coding-agent 0.87.1 and 1.5.2, docs/message-types.md). Other roles are no concern of a codec.
 */
import { Option, Schema } from "effect"
import type { Usage } from "../domain/spawn.schema.ts"
import { ifValid } from "./line.codec.ts"

const MessageLine = Schema.Struct({
  message: Schema.Struct({
    role: Schema.Literal("assistant"),
    content: ifValid(Schema.Array(Schema.Unknown)),
    stopReason: ifValid(Schema.NonEmptyString),
    errorMessage: ifValid(Schema.String),
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
/** What an assistant message says. */
export type Message = (typeof MessageLine.Type)["message"]

const TextBlock = Schema.Struct({ type: Schema.Literal("text"), text: Schema.String })

/** Reads the line of an assistant message. */
export const decodeMessage = Schema.decodeUnknownOption(MessageLine)
const decodeText = Schema.decodeUnknownOption(TextBlock)

/** Its text, one block a line, as pi prints it without `--mode json`. */
export const textOf = (message: Message): string =>
  (message.content ?? [])
    .flatMap((block) => Option.toArray(Option.map(decodeText(block), ({ text }) => text)))
    .join("\n")

/** What went wrong with it, or nothing. */
export const errorOf = (message: Message): string | undefined =>
  message.stopReason === "error" || message.stopReason === "aborted"
    ? message.errorMessage || `the turn ended with ${message.stopReason}`
    : undefined

/**
 * A total and the usage of one more request. Zeros are what pi fills in where a request failed before its usage was told: unknown,
 * which is not zero.
 */
export const addUsage = (total: Usage | undefined, usage: Message["usage"]): Usage | undefined => {
  if (usage === undefined) return total
  const { cacheRead = 0, cacheWrite = 0, input, output } = usage
  if (input + output + cacheRead + cacheWrite === 0) return total
  const before = total ?? { inputTokens: 0, outputTokens: 0, costUsd: 0 }
  const costUsd =
    before.costUsd === undefined || usage.cost === undefined ? undefined : before.costUsd + usage.cost.total
  return {
    inputTokens: before.inputTokens + input,
    outputTokens: before.outputTokens + output,
    ...(usage.cacheRead === undefined ? {} : { cacheReadTokens: (before.cacheReadTokens ?? 0) + cacheRead }),
    ...(usage.cacheWrite === undefined
      ? {}
      : { cacheWriteTokens: (before.cacheWriteTokens ?? 0) + cacheWrite }),
    ...(costUsd === undefined ? {} : { costUsd }),
  }
}
