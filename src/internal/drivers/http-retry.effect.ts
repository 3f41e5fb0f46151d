/**
 * Retries requests to a busy server, after the wait that the server asks for (`retry-after`, RFC 9110 10.2.3, in seconds or
 * as a date, or `retry-after-ms`, which OpenAI and Azure send), or else with exponential backoff. The number of retries
 * and the total wait are bounded; past that the spawn fails, and its program decides.
 */
import { Clock, Data, Duration, Effect, Schedule } from "effect"
import type { SpawnRefused } from "../../domain/error.schema.ts"
import { maxRetryWait } from "../../domain/http-config.schema.ts"

/** The server is too busy to answer. No part of an answer has arrived. */
export class ServerBusy extends Data.TaggedError("ServerBusy")<{
  readonly status: number
  readonly message: string
  /** The wait that the server asks for. */
  readonly after: Duration.Duration | undefined
}> {}

/** Too Many Requests, Service Unavailable, and Anthropic's status for an overloaded server. */
const busyStatuses: ReadonlySet<number> = new Set([429, 503, 529])

export const isBusy = (status: number): boolean => busyStatuses.has(status)

const describeStatus = (status: number): string =>
  status === 429 ? "rate limited" : "the server is overloaded"

/** A non-negative number. RFC 9110 allows whole seconds only, but some servers send fractions. */
const nonNegative = /^\s*\d+(?:\.\d+)?\s*$/

/** The date format that servers must send (RFC 9110 5.6.7). `Date.parse` alone would accept "soon 5". */
const httpDate = /^\s*(?:Sun|Mon|Tue|Wed|Thu|Fri|Sat), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT\s*$/

/** Reads the wait that the headers of an answer ask for. A value that cannot be read is ignored. */
export const readRetryAfter = (headers: Readonly<Record<string, string | undefined>>) =>
  Effect.map(Clock.currentTimeMillis, (now): Duration.Duration | undefined => {
    const millis = headers["retry-after-ms"] ?? ""
    if (nonNegative.test(millis)) return Duration.millis(Number(millis))
    const given = headers["retry-after"] ?? ""
    if (nonNegative.test(given)) return Duration.seconds(Number(given))
    const date = httpDate.test(given) ? Date.parse(given) : Number.NaN
    return Number.isNaN(date) ? undefined : Duration.millis(Math.max(0, date - now))
  })

/** Formats a wait that the server asked for. */
export const formatRequestedWait = (wait: Duration.Duration): string =>
  Duration.toDays(wait) > 365 ? "more than a year" : Duration.format(wait)

const formatSeconds = (wait: Duration.Duration): string => {
  const seconds = Duration.toSeconds(wait)
  return `${seconds < 10 ? Math.round(seconds * 10) / 10 : Math.round(seconds)} s`
}

/**
 * Retries while the server is busy, at most `maxRetries` times. `onRetry` gets a message before each wait. Fails with the
 * last error.
 */
export const retryWhileBusy = (maxRetries: number, onRetry: (message: string) => Effect.Effect<void>) => {
  // The server's own wait is kept as it is. The backoff is jittered, so that spawns do not all retry at once.
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
              `${describeStatus(input.status)} (HTTP ${input.status}): ` +
                `retrying in ${formatSeconds(duration)} (retry ${attempt} of ${maxRetries})`,
            )
            return true
          }),
        ),
      )
      return Effect.retry(request, schedule)
    })
}
