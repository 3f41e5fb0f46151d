/**
 * The parts that all HTTP API codecs share: options, endpoints and server errors. Compatible servers (llama.cpp, Ollama,
 * vLLM, LM Studio) deviate from the vendors' formats, so missing fields count as unknown, and unknown fields are ignored.
 */
import { Option, Record, Result, Schema } from "effect"
import { cutText } from "../domain/cut-text.ts"
import { rememberFactory } from "../domain/driver.schema.ts"
import {
  defineHttpCodec,
  type HttpCodec,
  type HttpCodecDefinition,
  type HttpInput,
} from "../domain/http-codec.schema.ts"
import type { Usage } from "../domain/spawn.schema.ts"
import { checkText, makeEncoder } from "./call.codec.ts"
import { answerTooLong, ifValid, parseJsonObject, type Step } from "./line.codec.ts"

/** Options of an HTTP API. A run's plan records them, so they must not hold a key. */
export const HttpCodecOptions = Schema.Struct({
  /** Maximum number of tokens in an answer. */
  maxTokens: Schema.optional(Schema.Int.check(Schema.isGreaterThan(0))),
  /** More fields of the request, for example `{ temperature: 0 }`. They override others; null removes a field. */
  body: Schema.optional(Schema.Record(Schema.String, Schema.Json.annotate({ expected: "a JSON value" }))),
  /** The server's models, best known first, shown to authors of programs. */
  models: Schema.optional(Schema.Array(Schema.String)),
})
export type HttpCodecOptions = typeof HttpCodecOptions.Type

type Body = Readonly<Record<string, Schema.Json>>

const mergeBody = (own: Body, { body }: HttpCodecOptions): Body =>
  Record.filter({ ...own, ...body }, (value) => value !== null)

/** Checks that the texts of a spawn are valid Unicode. */
const checkInput = (input: HttpInput) =>
  Result.all((["prompt", "systemPrompt", "model"] as const).map((field) => checkText(field, input[field])))

/** The state that all APIs share. */
type AnswerState = {
  readonly ended: boolean
  readonly text: string
  readonly cut: boolean
  readonly stopReason?: string | undefined
  readonly errorMessage?: string | undefined
  /** The model that the server named. */
  readonly model?: string | undefined
}

export const endWithError = <State extends AnswerState>(state: State, errorMessage: string): Step<State> => [
  { ...state, ended: true, errorMessage },
  [],
]

/** The definition of an API's codec, without the parts that are the same for all APIs. */
type HttpApi<State extends AnswerState> = Omit<
  HttpCodecDefinition<State>,
  "decodeEvent" | "decodeFinal" | "decodeWhole" | "encodeRequest" | "models" | "options" | "problem"
> & {
  readonly decodeEvent: (state: State, event: object) => Step<State>
  /** Decodes the JSON object of a whole answer, which reports no error. */
  readonly decodeWhole: (state: State, answer: object) => Step<State>
  /** Handles the event `[DONE]`. */
  readonly onDone?: ((state: State) => Step<State>) | undefined
  /** Whether the answer is complete. */
  readonly isFinal: (state: State) => boolean
  /** Finds why an answer has failed in which the server has reported no error. */
  readonly findAnswerFailure: (state: State) => string | undefined
  readonly readAnswerUsage: (state: State) => Usage | undefined
  /** The fields of a request that come from each spawn, which options cannot set. */
  readonly ownFields: ReadonlyArray<string>
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly makeBody: (input: HttpInput, options: HttpCodecOptions) => Body
}

/** Defines the built-in codec of an API, which `factory(options)` of `@mill/core` makes. */
export const defineBuiltInHttpCodec = <State extends AnswerState>(
  factory: string,
  options: HttpCodecOptions,
  {
    decodeEvent,
    decodeWhole,
    makeBody,
    findAnswerFailure,
    headers = {},
    isFinal,
    onDone,
    ownFields,
    readAnswerUsage,
    ...definition
  }: HttpApi<State>,
): HttpCodec => {
  const {
    encode,
    valid: validOptions,
    ...rest
  } = makeEncoder(factory, HttpCodecOptions, options, (valid) => {
    const taken = Object.keys(valid.body ?? {}).find((key) => ownFields.includes(key))
    return taken === undefined
      ? Result.succeed((input: HttpInput) =>
          Result.map(checkInput(input), () => ({ headers, body: mergeBody(makeBody(input, valid), valid) })),
        )
      : Result.fail(`body: ${taken} is set by each spawn and cannot be set here`)
  })
  return rememberFactory(
    factory,
    defineHttpCodec<State>({
      ...definition,
      decodeEvent: (state, data) => {
        if (onDone !== undefined && data.trim() === "[DONE]") return onDone(state)
        const event = parseJsonObject(data)
        return event === undefined ? [state, []] : decodeEvent(state, event)
      },
      decodeWhole: (state, body) => {
        const answer = parseJsonObject(body)
        if (answer === undefined) return [state, []]
        const error = findError(answer)
        return error === undefined ? decodeWhole(state, answer) : endWithError(state, error)
      },
      decodeFinal: (state) => ({
        final: isFinal(state),
        text: state.text,
        stopReason: state.stopReason,
        errorMessage:
          state.errorMessage ?? findAnswerFailure(state) ?? (state.cut ? answerTooLong : undefined),
        usage: readAnswerUsage(state),
        model: state.model,
      }),
      models: validOptions?.models ?? [],
      ...rest,
      encodeRequest: encode,
    }),
  )
}

/**
 * Makes the endpoint from a URL, which may be the endpoint itself or the base URL that the vendor's own libraries take.
 * `name` is added to a base URL, after `/v1` if `addVersion` says so.
 */
export const makeEndpoint =
  (name: string, addVersion: (path: string) => boolean) =>
  (base: URL): URL => {
    const url = new URL(base)
    const path = url.pathname.replace(/\/+$/, "")
    if (!path.endsWith(`/${name}`)) url.pathname = `${path}${addVersion(path) ? "/v1" : ""}/${name}`
    return url
  }

const ServerError = Schema.Union([
  Schema.NonEmptyString,
  Schema.Struct({
    message: ifValid(Schema.NonEmptyString),
    type: ifValid(Schema.NonEmptyString),
    code: ifValid(Schema.Union([Schema.NonEmptyString, Schema.Finite])),
  }),
])

/** All three vendors use `error`, Ollama with a text; vLLM and other servers use the other fields. */
const ErrorBody = Schema.Struct({
  error: ifValid(ServerError),
  message: ifValid(Schema.NonEmptyString),
  detail: ifValid(Schema.NonEmptyString),
})
const decodeError = Schema.decodeUnknownOption(ErrorBody)
const decodeServerError = Schema.decodeUnknownOption(ServerError)

/** Formats a server error: its message and its kind. */
export const formatServerError = (error: unknown): string => {
  const known = Option.getOrUndefined(decodeServerError(error))
  if (known === undefined) return "the server reported an error without details"
  if (typeof known === "string") return known
  const kind = known.type ?? known.code
  const message = known.message ?? "the server reported an error"
  return kind === undefined || message.includes(String(kind)) ? message : `${message} (${kind})`
}

/** Maximum length of the part of a body that is quoted, if the body is not JSON. */
const proseLength = 300

/** Reads the message in the body of an HTTP error; empty if there is none. */
export const readErrorBody = (body: string): string => {
  const value = parseJsonObject(body)
  if (value === undefined) {
    const prose = /^\s*</.test(body) ? "" : body.replace(/[\s\p{Cc}]+/gu, " ").trim()
    return prose.length > proseLength ? `${cutText(prose, proseLength)}…` : prose
  }
  const { detail, error, message } = Option.getOrElse(decodeError(value), (): typeof ErrorBody.Type => ({}))
  return error === undefined ? (message ?? detail ?? "") : formatServerError(error)
}

/** Finds an error in an event, or in an answer with a status of success. */
export const findError = (value: object): string | undefined =>
  "error" in value && value.error !== null && value.error !== undefined && value.error !== false
    ? formatServerError(value.error)
    : undefined

/** Makes a usage if both counts are known. Servers that do not count report zeros, which are unknown too. */
export const makeUsage = (parts: {
  readonly input: number | undefined
  readonly output: number | undefined
  readonly cacheRead?: number | undefined
  readonly cacheWrite?: number | undefined
}): Usage | undefined => {
  const { cacheRead, cacheWrite, input, output } = parts
  if (input === undefined || output === undefined) return undefined
  if (input + output + (cacheRead ?? 0) + (cacheWrite ?? 0) === 0) return undefined
  return {
    inputTokens: Math.max(0, input),
    outputTokens: output,
    cacheReadTokens: cacheRead,
    cacheWriteTokens: cacheWrite,
  }
}

/** Like `makeUsage`, but for an input count that includes tokens read from a cache. */
export const makeUsageFromTotals = (
  input: number | undefined,
  output: number | undefined,
  cacheRead: number | undefined,
): Usage | undefined =>
  makeUsage({ input: input === undefined ? undefined : input - (cacheRead ?? 0), output, cacheRead })

export const toolRequested = "the model requested a tool call, but HTTP drivers do not support tools"

/** The error for an answer that the model refused, with the words of the refusal. */
export const formatRefusal = (words: string): string =>
  words.trim() === "" ? "the model refused to answer" : `the model refused: ${words.trim()}`

export const contentFiltered = "the answer was withheld or truncated by the server's content filter"

export const emptyAnswer = "the server ended the answer without any text or stop reason"
