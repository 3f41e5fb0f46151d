/**
 * The usage of one spawn of an agent that reports the usage of a whole conversation: the difference between two totals. The
 * earlier total is known only if a spawn of this run reported it, and no other spawn has used the conversation since or uses
 * it at the same time. Otherwise, the usage is unknown. Turns that the user adds outside of the run, between two of its
 * spawns, are not noticed.
 */
import { addUsage } from "../../codecs/line.codec.ts"
import type { AgentOutcome } from "../../domain/driver.schema.ts"
import { keepValidUsage, type Usage } from "../../domain/spawn.schema.ts"

/** A spawn that uses a conversation. */
type Turn = { shared: boolean }

const subtractKnown = (total: number | undefined, earlier: number | undefined): number | undefined =>
  total === undefined || earlier === undefined ? undefined : total - earlier

/**
 * The difference between two totals. Unknown if a count has decreased, because the totals are then not comparable, and if
 * there is no difference, because the agent has then not counted the turn.
 */
const subtract = (total: Usage, earlier: Usage): Usage | undefined => {
  const own: Usage = {
    inputTokens: total.inputTokens - earlier.inputTokens,
    outputTokens: total.outputTokens - earlier.outputTokens,
    cacheReadTokens: subtractKnown(total.cacheReadTokens, earlier.cacheReadTokens),
    cacheWriteTokens: subtractKnown(total.cacheWriteTokens, earlier.cacheWriteTokens),
    costUsd: subtractKnown(total.costUsd, earlier.costUsd),
  }
  const isComparable = Object.values(own).every((count) => count === undefined || count >= 0)
  return isComparable ? addUsage(undefined, own) : undefined
}

/** Makes the totals of a run's conversations. */
export const makeSessionUsage = () => {
  const totals = new Map<string, Usage>()
  const running = new Map<string, Set<Turn>>()

  /** Starts a turn, in the conversation of `sessionRef` if the spawn resumes one. */
  const start = (sessionRef: string | undefined) => {
    const turn: Turn = { shared: false }
    const earlier = sessionRef === undefined ? undefined : totals.get(sessionRef)
    if (sessionRef !== undefined) {
      // The total is unknown until this turn succeeds.
      totals.delete(sessionRef)
      const turns = running.get(sessionRef) ?? new Set()
      running.set(sessionRef, turns.add(turn))
      if (turns.size > 1) for (const each of turns) each.shared = true
    }
    const end = () => {
      if (sessionRef === undefined) return
      const turns = running.get(sessionRef)
      turns?.delete(turn)
      if (turns?.size === 0) running.delete(sessionRef)
    }
    /** Replaces the usage of a conversation by the usage of this turn. */
    const settle = ({ usageOfSession, ...outcome }: AgentOutcome): AgentOutcome => {
      const { sessionRef: name } = outcome
      const usage = keepValidUsage(outcome.usage)
      if (usageOfSession !== true || usage === undefined) return outcome
      if (turn.shared) return { ...outcome, usage: undefined }
      // A fork counts the turns of the conversation that it comes from, which does not change.
      if (sessionRef !== undefined && earlier !== undefined && name !== sessionRef) {
        totals.set(sessionRef, earlier)
      }
      if (name !== undefined) totals.set(name, usage)
      if (sessionRef === undefined) return outcome
      return { ...outcome, usage: earlier === undefined ? undefined : subtract(usage, earlier) }
    }
    return { settle, end }
  }
  return { start }
}
export type SessionTurn = ReturnType<ReturnType<typeof makeSessionUsage>["start"]>
