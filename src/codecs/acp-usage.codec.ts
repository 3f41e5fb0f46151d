/** The usage of a turn of an agent that speaks the Agent Client Protocol. */
import type { Usage } from "../domain/spawn.schema.ts"
import { countsLastRequest } from "./acp-adapter.codec.ts"
import type { Answer } from "./acp-message.codec.ts"
import { addUsage } from "./line.codec.ts"

type Turn = {
  readonly adapter?: string | undefined
  /** The last cost of the session that the agent reported. */
  readonly costUsd?: number | undefined
  readonly toolUsed: boolean
}

/**
 * The usage of the turn: the sum of all its requests if the adapter reports them, otherwise the protocol's own usage. opencode
 * 1.18.33 counts only the last request of a turn, so its usage of a turn with tool calls is unknown.
 */
export const readPromptUsage = (answer: Answer, { adapter, costUsd, toolUsed }: Turn): Usage | undefined => {
  if (countsLastRequest(adapter) && toolUsed) return undefined
  const quota = answer._meta?.quota?.model_usage.map(({ token_count: count }) => ({
    ...count,
    cachedReadTokens: count.cachedInputTokens,
    cachedWriteTokens: count.cachedWriteTokens ?? count.cacheWriteInputTokens,
  }))
  const counts = quota ?? (answer.usage === undefined ? [] : [answer.usage])
  const usage = counts.reduce<Usage | undefined>((total, count) => addUsage(total, toUsage(count)), undefined)
  return usage && { ...usage, costUsd: costUsd === 0 ? undefined : costUsd }
}

/**
 * The protocol counts cached tokens separately. If the total shows that an agent included them in its input, they are
 * subtracted.
 */
const toUsage = (count: NonNullable<Answer["usage"]>): Usage => {
  const { cachedReadTokens: read, cachedWriteTokens: write, inputTokens, outputTokens, totalTokens } = count
  const among = totalTokens === inputTokens + outputTokens ? (read ?? 0) : 0
  return {
    inputTokens: Math.max(0, inputTokens - among),
    outputTokens,
    cacheReadTokens: read,
    cacheWriteTokens: write,
  }
}
