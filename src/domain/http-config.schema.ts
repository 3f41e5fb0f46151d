/** The configuration of a driver whose agent is an HTTP API. Keys are named, by environment variable, and never held. */
import { Result, Schema } from "effect"
import type { HttpCodec } from "./http-codec.schema.ts"

/** How often a request is tried again when the server is busy and the configuration says nothing. */
export const defaultMaxRetries = 3

/** The seconds that a spawn may spend in all waiting to try again. */
export const maxRetryWait = 120

const isHttpCodec = (value: unknown): value is HttpCodec =>
  typeof value === "object" &&
  value !== null &&
  "encodeRequest" in value &&
  typeof value.encodeRequest === "function" &&
  "answer" in value

const HttpCodecValue = Schema.declare<HttpCodec>(isHttpCodec, {
  expected: "a codec of an HTTP API, such as anthropicMessagesCodec()",
})

/** Query parameters under which servers take keys: those would be in the plan. */
const secretParameter = /^(?:(?:api|access|auth)?[-_]?(?:key|token|secret|sig|signature)|password)$/i

/** What is wrong with a URL as the place of an API. */
const problemOfUrl = (text: string): string | undefined => {
  const url = Result.getOrUndefined(Result.try(() => new URL(text)))
  if (url === undefined || !/^https?:$/.test(url.protocol)) return "an http:// or https:// URL"
  if (url.username !== "" || url.password !== "")
    return "a URL without credentials in it: use apiKey or headers"
  if (url.hash !== "") return "a URL without a fragment"
  const secret = [...url.searchParams.keys()].find((name) => secretParameter.test(name))
  return secret === undefined ? undefined : `a URL without ${secret} in it: use apiKey or headers`
}

const EndpointUrl = Schema.String.check(
  Schema.makeFilter((text) => {
    const expected = problemOfUrl(text)
    return expected === undefined ? undefined : `expected ${expected}`
  }),
)

const VariableName = Schema.String.check(
  Schema.isPattern(/^[A-Za-z_]\w*$/, { expected: "the name of an environment variable" }),
)

const HeaderName = Schema.String.check(
  Schema.isPattern(/^[A-Za-z0-9!#$%&'*+.^_|~-]{1,128}$/, { expected: "a header name" }),
)

const HeaderText = Schema.String.check(
  Schema.isPattern(/^[\t\x20-\x7e]*$/, { expected: "printable ASCII characters" }),
)

/** A value that is read from the environment when it is needed. */
const FromEnvironment = Schema.Struct({ env: VariableName })

/** The key of an API. */
export const ApiKey = Schema.Struct({
  env: VariableName,
  /** The header that carries it; the codec's when absent. `authorization` has `Bearer` before it. */
  header: Schema.optional(HeaderName),
})

/** An agent that is an HTTP API: asked once for each spawn. */
export const HttpDriverConfig = Schema.Struct({
  type: Schema.Literal("http"),
  /** What it is for, told to whoever writes programs. */
  description: Schema.optional(Schema.String),
  /** The endpoint, or the base of it that the vendor's own libraries take. */
  url: EndpointUrl,
  codec: HttpCodecValue,
  apiKey: Schema.optional(ApiKey),
  /** Sent with each request. */
  headers: Schema.optional(Schema.Record(HeaderName, Schema.Union([HeaderText, FromEnvironment]))),
  /** Seconds that a spawn may take, waiting included; no limit when absent. */
  timeout: Schema.optional(
    Schema.Finite.check(
      Schema.isBetween(
        { minimum: 0.001, maximum: 86_400 },
        { expected: "a number of seconds from 0.001 to 86400" },
      ),
    ),
  ),
  /** How often a busy server is asked again. */
  maxRetries: Schema.optional(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 100 }))),
  maxLineBytes: Schema.optional(Schema.Int.check(Schema.isGreaterThan(0))),
})
export type HttpDriverConfig = typeof HttpDriverConfig.Type

/** A header whose value is that of an environment variable. */
export const SecretHeader = Schema.Struct({ header: Schema.String, env: Schema.String })
export type SecretHeader = typeof SecretHeader.Type

/** The headers of a driver that come from the environment, in order of their names. */
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
