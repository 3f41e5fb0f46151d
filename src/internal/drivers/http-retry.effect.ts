/**
 * When a busy server is asked again: as late as it says (`retry-after`, RFC 9110 10.2.3, in seconds or as a date, or
 * `retry-after-ms`, which OpenAI and Azure send), or after ever longer pauses when it does not say. Both the number of
 * requests and the time spent waiting are bounded: past that, the spawn fails and its program decides.
 */
import { Clock, Data, Duration, Effect, Schedule } from "effect"
import type { SpawnRefused } from "../../domain/error.schema.ts"
import { maxRetryWait } from "../../domain/http-config.schema.ts"

/** A server that could not answer now; nothing of an answer has come. */
export class ServerBusy extends Data.TaggedError("ServerBusy")<{
  readonly status: number
  readonly message: string
  /** How long the server wants to be left alone. */
  readonly after: Duration.Duration | undefined
}> {}

/** Too many requests, out of service for a while, and Anthropic's word for overloaded. */
const busyStatuses: ReadonlySet<number> = new Set([429, 503, 529])

export const isBusy = (status: number): boolean => busyStatuses.has(status)

const words = (status: number): string => (status === 429 ? "rate limited" : "the server is overloaded")

/** A number that is not negative. RFC 9110 knows whole seconds only; some servers say parts of one. */
const amount = /^\s*\d+(?:\.\d+)?\s*$/

/** The one form of a date that servers may send today (RFC 9110 5.6.7). `Date.parse` also takes "soon 5" for one. */
const httpDate = /^\s*(?:Sun|Mon|Tue|Wed|Thu|Fri|Sat), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT\s*$/

/** How long these headers of an answer ask to wait; what cannot be read says nothing. */
export const retryAfter = (headers: Readonly<Record<string, string | undefined>>) =>
  Effect.map(Clock.currentTimeMillis, (now): Duration.Duration | undefined => {
    const millis = headers["retry-after-ms"] ?? ""
    if (amount.test(millis)) return Duration.millis(Number(millis))
    const given = headers["retry-after"] ?? ""
    if (amount.test(given)) return Duration.seconds(Number(given))
    const date = httpDate.test(given) ? Date.parse(given) : Number.NaN
    return Number.isNaN(date) ? undefined : Duration.millis(Math.max(0, date - now))
  })

/** A wait that was asked for and is not kept, as it is told. */
export const toldWait = (wait: Duration.Duration): string =>
  Duration.toDays(wait) > 365 ? "more than a year" : Duration.format(wait)

const shown = (wait: Duration.Duration): string => {
  const seconds = Duration.toSeconds(wait)
  return `${seconds < 10 ? Math.round(seconds * 10) / 10 : Math.round(seconds)} s`
}

/**
 * Tries again while the server is busy, `maxRetries` times at most. `onRetry` is told of each, before the wait. Fails
 * with the last of the errors.
 */
export const retryWhileBusy = (maxRetries: number, onRetry: (message: string) => Effect.Effect<void>) => {
  /** A wait that the server asks for is kept as it is; mill's own differ, so that spawns do not all come back at once. */
  const pauses = Schedule.exponential("1 second").pipe(
    Schedule.jittered,
    Schedule.setInputType<ServerBusy | SpawnRefused>(),
    Schedule.modifyDelay(({ duration, input }) =>
      Effect.succeed(input._tag === "ServerBusy" ? (input.after ?? duration) : duration),
    ),
  )
  return <A, R>(request: Effect.Effect<A, ServerBusy | SpawnRefused, R>) =>
    Effect.suspend(() => {
      let waited = Duration.zero
      const schedule = pauses.pipe(
        Schedule.while(
          Effect.fnUntraced(function* ({ attempt, duration, input }) {
            if (input._tag !== "ServerBusy" || attempt > maxRetries) return false
            waited = Duration.sum(waited, duration)
            if (Duration.toSeconds(waited) > maxRetryWait) return false
            yield* onRetry(
              `${words(input.status)} (HTTP ${input.status}): ` +
                `trying again in ${shown(duration)} (${attempt} of ${maxRetries})`,
            )
            return true
          }),
        ),
      )
      return Effect.retry(request, schedule)
    })
}
