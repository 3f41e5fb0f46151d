/**
 * Takes the values of keys out of what a server says, which may repeat them. It promises nothing of a value that comes in
 * pieces, so that texts are to be whole when they get here, nor of one that the server has encoded otherwise than JSON does.
 */
import { Redacted } from "effect"
import type { AgentOutcome, DriverEvent } from "../../domain/driver.schema.ts"
import type { SecretValues } from "./secret-headers.effect.ts"

/** Characters of the shortest value that is taken for a secret. */
const shortestSecret = 8

/** A value, and how it looks inside of JSON, where some servers escape slashes. */
const spellings = (value: string): ReadonlyArray<string> => {
  const json = JSON.stringify(value).slice(1, -1)
  return [value, json, json.replaceAll("/", String.raw`\/`)]
}

export type Redactor = {
  readonly text: (text: string) => string
  readonly event: (event: DriverEvent) => DriverEvent
  readonly outcome: (outcome: AgentOutcome) => AgentOutcome
}

export const makeRedactor = (secrets: SecretValues): Redactor => {
  // Each word of a value, for some name a scheme first; what is shorter is nobody's secret, but part of many words.
  const words = [...secrets.values()]
    .flatMap((value) => Redacted.value(value).split(/\s+/))
    .filter(({ length }) => length >= shortestSecret)
  // Longer ones first: one that is the beginning of another must not leave the rest of it.
  const values = [...new Set(words.flatMap(spellings))].toSorted((a, b) => b.length - a.length)
  const text = (given: string): string =>
    values.reduce((left, value) => left.replaceAll(value, "[redacted]"), given)

  const event = (given: DriverEvent): DriverEvent => {
    switch (given._tag) {
      case "Session":
        return given
      case "Milestone":
        return { ...given, message: text(given.message) }
      case "ToolCall":
        return {
          ...given,
          toolName: text(given.toolName),
          ...(given.input === undefined ? {} : { input: text(given.input) }),
        }
    }
  }
  const outcome = (given: AgentOutcome): AgentOutcome => ({
    ...given,
    text: text(given.text),
    ...(given.stopReason === undefined ? {} : { stopReason: text(given.stopReason) }),
    ...(given.errorMessage === undefined ? {} : { errorMessage: text(given.errorMessage) }),
  })
  return { text, event, outcome }
}
