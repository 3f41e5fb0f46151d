/** The configuration of a driver for an HTTP API. It names the environment variables of API keys and never holds a key. */
import { Predicate, Result, Schema } from "effect"
import type { HttpCodec } from "./http-codec.schema.ts"

/** Default number of retries when the server is busy. */
export const defaultMaxRetries = 3

/** Total seconds a spawn may spend waiting between retries. */
export const maxRetryWait = 120

const isHttpCodec = (value: unknown): value is HttpCodec =>
  Predicate.isObject(value) && Predicate.isFunction(value["encodeRequest"]) && "answer" in value

const HttpCodecValue = Schema.declare<HttpCodec>(isHttpCodec, {
  expected: "an HTTP API codec, such as anthropicMessagesCodec()",
})

/** Query parameters that carry keys. The plan records the URL, so they must not be in it. */
const secretParameter = /^(?:(?:api|access|auth)?[-_]?(?:key|token|secret|sig|signature)|password)$/i

/** The kind of URL that was expected, if `text` is not usable as the endpoint of an API. */
const findUrlProblem = (text: string): string | undefined => {
  const url = Result.getOrUndefined(Result.try(() => new URL(text)))
  if (url === undefined || !/^https?:$/.test(url.protocol)) return "an http:// or https:// URL"
  if (url.username !== "" || url.password !== "")
    return "a URL without credentials; use apiKey or headers instead"
  if (url.hash !== "") return "a URL without a fragment"
  const secret = [...url.searchParams.keys()].find((name) => secretParameter.test(name))
  return secret === undefined
    ? undefined
    : `a URL without the query parameter ${secret}; use apiKey or headers instead`
}

const EndpointUrl = Schema.String.check(
  Schema.makeFilter((text) => {
    const expected = findUrlProblem(text)
    return expected === undefined ? undefined : `expected ${expected}`
  }),
)

export const VariableName = Schema.String.check(
  Schema.isPattern(/^[A-Za-z_]\w*$/, { expected: "an environment variable name" }),
)

const HeaderName = Schema.String.check(
  Schema.isPattern(/^[A-Za-z0-9!#$%&'*+.^_|~-]{1,128}$/, { expected: "a header name" }),
)

const HeaderText = Schema.String.check(
  Schema.isPattern(/^[\t\x20-\x7e]*$/, { expected: "printable ASCII characters" }),
)

/** A value that is read from the environment when a request is sent. */
const FromEnvironment = Schema.Struct({ env: VariableName })

export const ApiKey = Schema.Struct({
  env: VariableName,
  /** The header that carries the key. Default: the codec's. In `authorization`, `Bearer` precedes the key. */
  header: Schema.optional(HeaderName),
})

/** An agent behind an HTTP API: one request for each spawn. */
export const HttpDriverConfig = Schema.Struct({
  type: Schema.Literal("http"),
  /** What the driver is for. `mill --help --json` shows it to authors of programs. */
  description: Schema.optional(Schema.String),
  /** The endpoint, or the base URL that the vendor's own libraries take. */
  url: EndpointUrl,
  codec: HttpCodecValue,
  /** The model of spawns that name none. Without it, each spawn must name one. */
  defaultModel: Schema.optional(Schema.NonEmptyString),
  apiKey: Schema.optional(ApiKey),
  /** Sent with each request. */
  headers: Schema.optional(Schema.Record(HeaderName, Schema.Union([HeaderText, FromEnvironment]))),
  /** Timeout of a spawn in seconds, including waiting. Default: no limit. */
  timeout: Schema.optional(
    Schema.Finite.check(
      Schema.isBetween(
        { minimum: 0.001, maximum: 86_400 },
        { expected: "a number of seconds from 0.001 to 86400" },
      ),
    ),
  ),
  /** Maximum number of retries when the server is busy. */
  maxRetries: Schema.optional(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 100 }))),
  maxLineBytes: Schema.optional(Schema.Int.check(Schema.isGreaterThan(0))),
})
export type HttpDriverConfig = typeof HttpDriverConfig.Type

/** A header whose value comes from an environment variable. */
export const SecretHeader = Schema.Struct({ header: Schema.String, env: Schema.String })
export type SecretHeader = typeof SecretHeader.Type

/** The headers of a driver whose values come from the environment, sorted by name. */
export const listSecretHeaders = ({
  apiKey,
  codec,
  headers = {},
}: HttpDriverConfig): ReadonlyArray<SecretHeader> =>
  [
    ...(apiKey === undefined
      ? []
      : [{ header: (apiKey.header ?? codec.keyHeader).toLowerCase(), env: apiKey.env }]),
    ...Object.entries(headers).flatMap(([header, value]) =>
      typeof value === "string" ? [] : [{ header: header.toLowerCase(), env: value.env }],
    ),
  ].sort((a, b) => (a.header < b.header ? -1 : 1))
