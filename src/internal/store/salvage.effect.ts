/**
 * Reads what is left of a run whose log is damaged. Writes nothing, because the user may restore the log later.
 */
import { Effect } from "effect"
import type { MillEvent } from "../../domain/event.schema.ts"
import { initialRunState } from "../../domain/run-state.schema.ts"
import { salvageEvent } from "../../domain/salvage.ts"
import { openCursor } from "./event-log-reader.effect.ts"

/** How many problems of a log are named; a damaged log may have one in each line. */
const maxProblems = 5

/** Folds the events that can be read, and collects what is wrong with the log. */
export const salvageLog = Effect.fnUntraced(function* (path: string) {
  const problems: Array<string> = []
  let more = 0
  const note = ({ message }: { readonly message: string }) => {
    if (problems.length < maxProblems) problems.push(message)
    else more += 1
  }
  const cursor = yield* openCursor(path, note)
  let state = initialRunState
  let start: Extract<MillEvent, { readonly type: "run:start" }>["payload"] | undefined
  let driver: string | undefined
  const read = Effect.gen(function* () {
    while (true) {
      const entries = yield* cursor.next
      if (entries.length === 0) return
      for (const { event, known } of entries) {
        if (!known) {
          state = { ...state, sequence: event.sequence, updatedAt: event.timestamp }
          continue
        }
        if (event.type === "run:start") start ??= event.payload
        if (event.type === "spawn:start") driver ??= event.payload.driver
        const { problem, state: next } = salvageEvent(state, event)
        if (problem !== undefined) note({ message: problem })
        state = next
      }
    }
  })
  const unread = yield* Effect.result(read)
  if (unread._tag === "Failure") note(unread.failure)
  const named = [...problems, ...(more > 0 ? [`and ${more} more problems`] : [])].join("; ")
  return { state, start, driver, problem: problems.length === 0 ? undefined : named }
}, Effect.scoped)
