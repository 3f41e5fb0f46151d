/**
 * Removes the values of keys from a server's texts, which may repeat them. A value that is split between two texts is not
 * found, so pass whole texts; nor is a value that the server has encoded differently from JSON.
 */
import { Redacted } from "effect"
import type { AgentOutcome, DriverEvent } from "../../domain/driver.schema.ts"
import type { SecretValues } from "./secret-headers.effect.ts"

/** The length of the shortest value that counts as a secret. */
const minSecretLength = 8

/** A value, and its forms inside JSON, where some servers escape slashes. */
const listSpellings = (value: string): ReadonlyArray<string> => {
  const json = JSON.stringify(value).slice(1, -1)
  return [value, json, json.replaceAll("/", String.raw`\/`)]
}

export const makeRedactor = (secrets: SecretValues) => {
  // Each word of a value on its own, as a value may begin with a scheme. A short word would match inside other words.
  const words = [...secrets.values()]
    .flatMap((value) => Redacted.value(value).split(/\s+/))
    .filter(({ length }) => length >= minSecretLength)
  // Longest first, so that a value that is a prefix of another does not leave the rest of it.
  const values = [...new Set(words.flatMap(listSpellings))].toSorted((a, b) => b.length - a.length)
  const text = (given: string): string =>
    values.reduce((left, value) => left.replaceAll(value, "[redacted]"), given)

  const event = (given: DriverEvent): DriverEvent => {
    switch (given._tag) {
      case "Session":
        return given
      case "Milestone":
        return { ...given, message: text(given.message) }
      case "ToolCall":
        return given.input === undefined
          ? { ...given, toolName: text(given.toolName) }
          : { ...given, toolName: text(given.toolName), input: text(given.input) }
    }
  }
  const outcome = (given: AgentOutcome): AgentOutcome => ({
    ...given,
    text: text(given.text),
    stopReason: given.stopReason && text(given.stopReason),
    model: given.model && text(given.model),
    errorMessage: given.errorMessage && text(given.errorMessage),
  })
  return { text, event, outcome }
}

export type Redactor = ReturnType<typeof makeRedactor>
