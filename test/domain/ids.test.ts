/** Identifiers and canonical JSON. */
import { expect, test } from "bun:test"
import { Arbitrary, Schema } from "effect"
import { toCanonicalJson } from "../../src/domain/canonical-json.ts"
import { makeRunId, makeSpawnId, readSpawnNumber, RunReference } from "../../src/domain/ids.schema.ts"
import { readCreatedAt } from "../../src/domain/run-time.ts"
import { integer, property } from "../support/property.ts"

const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

/** The time of a ULID: ten characters, the most significant first. */
const ulidTime = (millis: number): string => {
  let text = ""
  for (let rest = millis; text.length < 10; rest = Math.floor(rest / 32))
    text = `${crockford[rest % 32]}${text}`
  return text
}

property(
  "a run id holds the time of creation and sorts by it",
  Arbitrary.all([integer(0, 2 ** 47), integer(1, 10 ** 9)]),
  ([millis, later]) => {
    const [first, second] = [millis, millis + later].map((at) =>
      makeRunId(`${ulidTime(at)}${"Z".repeat(16)}`),
    )
    if (first === undefined || second === undefined) return false
    return /^run_[0-9a-z]{26}$/.test(first) && readCreatedAt(first) === millis && first < second
  },
)

property(
  "a run reference cannot leave the store",
  Arbitrary.schema(Schema.String),
  (text) =>
    Schema.is(RunReference)(text) === /^[A-Za-z0-9_-]{1,128}$/.test(text) &&
    !Schema.is(RunReference)(`${text}/`) &&
    !Schema.is(RunReference)(`${text}.`) &&
    !Schema.is(RunReference)(`${text}\n`),
)

test("spawn ids are numbered", () => {
  expect([1, 2, 10].map((n) => `${makeSpawnId(n)}`)).toEqual(["spawn_1", "spawn_2", "spawn_10"])
  expect([1, 2, 10].map((n) => readSpawnNumber(makeSpawnId(n)))).toEqual([1, 2, 10])
})

property(
  "canonical JSON does not depend on the order of keys and loses nothing",
  Arbitrary.schema(Schema.Json),
  (value) => {
    const reversed = (part: unknown): unknown =>
      Array.isArray(part)
        ? part.map(reversed)
        : typeof part === "object" && part !== null
          ? Object.fromEntries(
              Object.entries(part)
                .toReversed()
                .map(([key, one]) => [key, reversed(one)]),
            )
          : part
    const text = toCanonicalJson(value)
    return (
      toCanonicalJson(reversed(value)) === text &&
      Bun.deepEquals(JSON.parse(text), JSON.parse(JSON.stringify(value)))
    )
  },
)
