/**
 * The headers of an HTTP driver with values from the environment. They are read when a driver is chosen, so that a missing
 * key is reported before anything starts, and again by the worker, which sends them.
 */
import { Effect, Redacted } from "effect"
import { ConfigError } from "../../domain/error.schema.ts"
import { type HttpDriverConfig, listSecretHeaders } from "../../domain/http-config.schema.ts"
import { Secrets } from "../config/secrets.effect.ts"

/** Values by header. */
export type SecretValues = ReadonlyMap<string, Redacted.Redacted<string>>

/** A value that is valid in a header. */
const sendable = /^[\t\x20-\x7e]+$/

/** Reads the values of the headers that the driver `name` takes from the environment. An error names the variable. */
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
      return yield* refuse("is not set", `set ${env} to the value of the ${header} header`)
    }
    if (!sendable.test(Redacted.value(value))) {
      return yield* refuse(
        "contains characters that are not allowed in a header",
        `check the value of ${env}`,
      )
    }
    values.set(header, value)
  }
  return values satisfies SecretValues
})
