/**
 * Reports an extension's failures without flooding the log: each message of a hook once, up to a limit. Reports go to the
 * worker's log, where totals follow at the end, and as `extension:error` events to the run's log until the run has ended.
 */
import { Effect } from "effect"
import type { EventBody } from "../../domain/event.schema.ts"

/** How many different messages of one extension are reported. */
const maxMessages = 20

type ErrorPayload = Extract<EventBody, { readonly type: "extension:error" }>["payload"]

type Hook = ErrorPayload["hook"]

/** Reports on one extension; `append` writes to the run's log as long as the log takes events. */
export const makeReports = (extensionName: string, append: (body: EventBody) => Effect.Effect<void>) => {
  const reported = new Set<string>()
  const failures = new Map<Hook, number>()

  /** Reports something that happens once. */
  const once = Effect.fnUntraced(function* (hook: Hook, message: string) {
    yield* Effect.logWarning(`extension ${extensionName}, ${hook}: ${message}`)
    yield* append({ type: "extension:error", payload: { extensionName, hook, message } })
  })
  /** Reports a failure, unless its message has been reported. */
  const failure = (hook: Hook, message: string) =>
    Effect.suspend(() => {
      failures.set(hook, (failures.get(hook) ?? 0) + 1)
      const key = `${hook} ${message}`
      if (reported.has(key) || reported.size >= maxMessages) return Effect.void
      reported.add(key)
      return once(hook, message)
    })
  /** Logs how often each hook has failed. */
  const total = Effect.suspend(() =>
    Effect.forEach(
      [...failures].filter(([, count]) => count > 1),
      ([hook, count]) =>
        Effect.logWarning(`extension ${extensionName}, ${hook}: failed ${count} times in total`),
      { discard: true },
    ),
  )
  return { failure, once, total }
}
