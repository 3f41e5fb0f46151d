/** Retry headers of servers: each is read as a wait or ignored. */
import { expect, test } from "bun:test"
import { Duration, Effect } from "effect"
import { readRetryAfter, formatRequestedWait } from "../../../src/internal/drivers/http-retry.effect.ts"

/** The wait in milliseconds, if there is one. */
const waitOf = async (headers: Record<string, string>) => {
  const wait = await Effect.runPromise(readRetryAfter(headers))
  return wait === undefined ? undefined : Duration.toMillis(wait)
}

test("reads seconds, fractions of seconds, and dates", async () => {
  expect(await waitOf({ "retry-after": "0" })).toBe(0)
  expect(await waitOf({ "retry-after": " 12 " })).toBe(12_000)
  expect(await waitOf({ "retry-after": "0.5" })).toBe(500)
  expect(await waitOf({ "retry-after-ms": "250", "retry-after": "9" })).toBe(250)
  expect(await waitOf({ "retry-after": "Sun, 06 Nov 1994 08:49:37 GMT" })).toBe(0)
  const wait = await waitOf({ "retry-after": new Date(Date.now() + 3_600_000).toUTCString() })
  expect(wait).toBeWithin(3_500_000, 3_600_001)
})

test("ignores anything else", async () => {
  const garbage = ["", "soon", "soon 5", "-5", "5 s", "1e3", "1,5", "0x10", "Mon, 99 Foo 2026 00:00:00 GMT"]
  for (const given of garbage) expect(await waitOf({ "retry-after": given }), given).toBeUndefined()
  expect(await waitOf({ "retry-after-ms": "-1" })).toBeUndefined()
})

test("formats a wait of any length", async () => {
  for (const headers of [
    { "retry-after": "9".repeat(400) },
    { "retry-after-ms": "9".repeat(400) },
    { "retry-after": "9".repeat(20) },
  ]) {
    const wait = await Effect.runPromise(readRetryAfter(headers))
    expect(wait && formatRequestedWait(wait)).toBe("more than a year")
  }
  expect(formatRequestedWait(Duration.hours(1))).toBe("1h")
})
