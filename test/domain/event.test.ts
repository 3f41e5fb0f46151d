/** Lines of the log: events survive a round trip, and a line that is not an event is reported with its number. */
import { describe, expect, test } from "bun:test"
import { Arbitrary, Result } from "effect"
import { decodeLogLine, encodeLogLine, MillEvent } from "../../src/domain/event.schema.ts"
import { integer, property } from "../support/property.ts"
import { bodies, eventOf } from "./bodies.ts"

property("any event is one line and decodes to itself", Arbitrary.schema(MillEvent), (event) => {
  const line = encodeLogLine(event)
  const entry = Result.getOrUndefined(decodeLogLine(line, 1))
  return !line.includes("\n") && entry?.known === true && Bun.deepEquals(entry.event, JSON.parse(line))
})

const lines = bodies(1).map((body, index) => encodeLogLine(eventOf(body, index + 1)))

property(
  "a truncated line is not an event",
  Arbitrary.all([integer(0, lines.length - 1), integer(0, 2000)]),
  ([index, length]) => {
    const line = lines[index] ?? ""
    return length >= line.length || Result.isFailure(decodeLogLine(line.slice(0, length), 1))
  },
)

describe("a line is read", () => {
  const log = eventOf({ type: "run:log", payload: { message: "m" } }, 7)
  const read = (event: unknown) => {
    const entry = decodeLogLine(JSON.stringify(event), 7)
    return Result.isSuccess(entry) ? entry.success : entry.failure
  }
  test("with fields that a newer mill has added", () => {
    const newer = { ...log, added: 1, payload: { ...log.payload, added: [2] } }
    expect(read(newer)).toEqual({ known: true, event: log })
  })
  test("and kept, when its type is unknown", () => {
    const unknown = { ...log, type: "run:dreamt", payload: { of: ["sheep"] } }
    expect(read(unknown)).toEqual({ known: false, event: unknown } as never)
  })
  test.each([
    ["no schema version", { ...log, schemaVersion: undefined }, /^line 7 .*not an event/],
    [
      "another schema version",
      { ...log, schemaVersion: 2 },
      /^line 7 .*schema version 2; this version of mill only reads version 1/,
    ],
    [
      "a schema version that is text",
      { ...log, schemaVersion: "1" },
      /^line 7 .*version 1; this version of mill only reads/,
    ],
    ["no payload", { ...log, payload: undefined }, /^line 7 .*cannot be read/],
    ["no sequence number", { ...log, sequence: undefined }, /^line 7 /],
    ["a run id that leaves the store", { ...log, runId: "../x" }, /^line 7 /],
    ["a field of another kind", { ...log, payload: { message: 7 } }, /^line 7 /],
    ["a list", [log], /^line 7 .*not an event/],
    ["null", null, /^line 7 .*not an event/],
  ])("unless it has %s", (_, event, message) => {
    const error = read(event)
    expect("message" in error && error.message).toMatch(message)
    expect("message" in error && error.message).not.toContain("\n")
  })
})
