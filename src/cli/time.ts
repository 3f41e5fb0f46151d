/** Reads points in time from the command line. */
import { Effect, Option } from "effect"
import { UsageError } from "../domain/error.schema.ts"

const isoTime = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?$/

/** Reads an ISO 8601 time. `Date.parse` takes February 30 for a day in March. */
const parseIso = (text: string): number => {
  const day = text.slice(0, 10)
  const midnight = isoTime.test(text) ? Date.parse(day) : Number.NaN
  const isDay = Number.isFinite(midnight) && new Date(midnight).toISOString().startsWith(day)
  return isDay ? Date.parse(text) : Number.NaN
}

/** Fewer milliseconds since 1970 than this, which is in 1973, are a number of seconds. */
const leastMillis = 100_000_000_000

/** Reads the value of `--since-time` as milliseconds since 1970. */
export const readTime = Effect.fnUntraced(function* (value: Option.Option<string>) {
  const text = Option.getOrUndefined(value)
  if (text === undefined) return undefined
  const isNumber = /^\d+$/.test(text)
  const millis = isNumber ? Number(text) : parseIso(text)
  if (isNumber && millis > 0 && millis < leastMillis) {
    return yield* new UsageError({
      message: `--since-time is ${text}, which is too small to be milliseconds since 1970`,
      hint: `if these are seconds, pass ${text}000`,
    })
  }
  if (!Number.isSafeInteger(millis)) {
    return yield* new UsageError({
      message: `--since-time is ${JSON.stringify(text.slice(0, 60))}; expected an ISO 8601 time or milliseconds since 1970`,
      hint: "for example --since-time 2026-11-20T14:02:31Z",
    })
  }
  return millis
})
