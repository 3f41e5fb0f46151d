/** The values of keys in texts of a server, which may repeat them. */
import { expect, test } from "bun:test"
import { Redacted } from "effect"
import { DriverEvent } from "../../../src/domain/driver.schema.ts"
import { makeRedactor } from "../../../src/internal/drivers/redactor.ts"

const makeRedact = (...values: ReadonlyArray<string>) =>
  makeRedactor(new Map(values.map((value, index) => [`x-key-${index}`, Redacted.make(value)])))

test("removes each occurrence of a value", () => {
  const { text } = makeRedact("sk-123456789")
  expect(text("key sk-123456789 (sk-123456789) is wrong")).toBe("key [redacted] ([redacted]) is wrong")
})

test("removes the value behind a scheme, and keeps short words", () => {
  const { text } = makeRedact("Bearer sk-123456789")
  expect(text("Bearer sk-123456789, bearer of sk-123456789")).toBe("Bearer [redacted], bearer of [redacted]")
})

test("removes a value as JSON escapes it, with and without escaped slashes", () => {
  const { text } = makeRedact('abc/"def/ghi')
  expect(text(String.raw`{"a":"abc/\"def/ghi","b":"abc\/\"def\/ghi"}`)).toBe(
    '{"a":"[redacted]","b":"[redacted]"}',
  )
})

test("leaves nothing of a value that begins with another", () => {
  const { text } = makeRedact("sk-12345678", "sk-12345678-rest")
  expect(text("sk-12345678-rest")).toBe("[redacted]")
})

test("redacts events and outcomes, and adds no keys to an event", () => {
  const { event, outcome } = makeRedact("sk-123456789")
  expect(event(DriverEvent.Milestone({ message: "sk-123456789" }))).toEqual(
    DriverEvent.Milestone({ message: "[redacted]" }),
  )
  expect(event(DriverEvent.ToolCall({ toolName: "ls" }))).toStrictEqual(
    DriverEvent.ToolCall({ toolName: "ls" }),
  )
  const all = { final: false, text: "sk-123456789", errorMessage: "no sk-123456789", stopReason: "" }
  expect(outcome(all)).toMatchObject({
    text: "[redacted]",
    errorMessage: "no [redacted]",
    stopReason: "",
  })
})
