/** What the model server has served for a prompt, as the usage of the spawn that asked. */
import { expect } from "bun:test"
import type { AgentName } from "../support/agents.ts"
import type { ModelServer } from "../support/model-server.ts"

/** Prices in dollars per million tokens: input, output, read from a cache. codex reports no costs. */
const prices: Record<AgentName, readonly [number, number, number] | undefined> = {
  claude: [3, 15, 0.3],
  codex: undefined,
  pi: [1, 2, 0],
}

/** A prompt may take several requests. */
export const findServed = async (server: ModelServer, name: AgentName, prompt: string) => {
  const served = (await server.listRequests()).flatMap((request) =>
    // claude sends the prompt of a failed turn again, before the next one.
    request.prompt.split("\n").at(-1) === prompt && request.usage !== undefined ? [request.usage] : [],
  )
  const sum = (count: "inputTokens" | "outputTokens" | "cacheReadTokens") =>
    served.reduce((total, usage) => total + usage[count], 0)
  const tokens = {
    inputTokens: sum("inputTokens"),
    outputTokens: sum("outputTokens"),
    cacheReadTokens: sum("cacheReadTokens"),
  }
  const price = prices[name]
  if (price === undefined) return tokens
  const [input, output, cache] = price
  const costUsd =
    (tokens.inputTokens * input + tokens.outputTokens * output + tokens.cacheReadTokens * cache) / 1e6
  return { ...tokens, costUsd: expect.closeTo(costUsd, 12) }
}
