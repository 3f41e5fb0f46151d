/**
 * The headers of an HTTP driver whose values are in the environment. Looked up when a driver is chosen, so that a key that
 * is missing is told before anything has started, and once more by the worker, which sends them.
 */
import { Effect, Redacted } from "effect"
import { ConfigError } from "../../domain/error.schema.ts"
import { type HttpDriverConfig, listSecretHeaders } from "../../domain/http-config.schema.ts"
import { Secrets } from "../config/secrets.effect.ts"

/** The values, by header. */
export type SecretValues = ReadonlyMap<string, Redacted.Redacted<string>>

/** Everything that a header can carry. */
const sendable = /^[\t\x20-\x7e]+$/

/** The values of the headers that the driver `name` takes from the environment; the error names the variable. */
export const readSecrets = Effect.fnUntraced(function* (name: string, config: HttpDriverConfig) {
  const secrets = yield* Secrets
  const values = new Map<string, Redacted.Redacted<string>>()
  for (const { env, header } of listSecretHeaders(config)) {
    const value = secrets.read(env)
    const refuse = (problem: string, hint: string) =>
      new ConfigError({
        key: `drivers.${name}`,
        message: `the environment variable ${env} ${problem}`,
        hint,
      })
    if (value === undefined) {
      return yield* refuse("is not set", `set ${env} to the value of the header ${header}`)
    }
    if (!sendable.test(Redacted.value(value))) {
      return yield* refuse("holds characters that no header can carry", `look at what ${env} is set to`)
    }
    values.set(header, value)
  }
  return values satisfies SecretValues
})
