/**
 * What goes wrong in an extension, told without flooding: each message of a hook once, and a limited number of them.
 * Until the run has ended it is told by `extension:error` events, always by the worker's log, where the end says how
 * often it happened in all.
 */
import { Effect } from "effect"
import type { EventBody } from "../../domain/event.schema.ts"

/** How many different messages of one extension are told. */
const messages = 20

type ErrorPayload = Extract<EventBody, { readonly type: "extension:error" }>["payload"]

export type Hook = ErrorPayload["hook"]

export type Reports = {
  /** Tells of a failure, unless it has been told. */
  readonly failure: (hook: Hook, message: string) => Effect.Effect<void>
  /** Tells something that is told once. */
  readonly once: (hook: Hook, message: string) => Effect.Effect<void>
  /** Says in the worker's log what was not told one by one. */
  readonly total: Effect.Effect<void>
}

/** Reports on one extension; `append` writes to the run's log as long as that takes events. */
export const makeReports = (
  extensionName: string,
  append: (body: EventBody) => Effect.Effect<void>,
): Reports => {
  const told = new Set<string>()
  const failures = new Map<Hook, number>()

  const once: Reports["once"] = Effect.fnUntraced(function* (hook, message) {
    yield* Effect.logWarning(`extension ${extensionName}, ${hook}: ${message}`)
    yield* append({ type: "extension:error", payload: { extensionName, hook, message } })
  })
  const failure: Reports["failure"] = (hook, message) =>
    Effect.suspend(() => {
      failures.set(hook, (failures.get(hook) ?? 0) + 1)
      const key = `${hook} ${message}`
      if (told.has(key) || told.size >= messages) return Effect.void
      told.add(key)
      return once(hook, message)
    })
  const total = Effect.suspend(() => {
    const counts = [...failures].filter(([, count]) => count > 1)
    return Effect.forEach(
      counts,
      ([hook, count]) =>
        Effect.logWarning(`extension ${extensionName}, ${hook}: failed ${count} times in all`),
      { discard: true },
    )
  })
  return { failure, once, total }
}
