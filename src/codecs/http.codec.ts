/**
 * What the codecs of HTTP APIs share: their options, their endpoints, and how servers tell errors. The formats of the
 * vendors are one thing, what compatible servers (llama.cpp, Ollama, vLLM, LM Studio) make of them another, so that
 * whatever is missing is unknown and whatever is not known is passed over.
 */
import { Option, Result, Schema } from "effect"
import { rememberFactory } from "../domain/driver.schema.ts"
import {
  defineHttpCodec,
  type HttpCodec,
  type HttpCodecDefinition,
  type HttpInput,
} from "../domain/http-codec.schema.ts"
import type { Usage } from "../domain/spawn.schema.ts"
import { checkText, withOptions } from "./call.codec.ts"
import { ifValid, jsonObject, outcomeOf } from "./line.codec.ts"

/** What can be chosen about an HTTP API. It is all written to a run's plan: no place for a key. */
export const HttpCodecOptions = Schema.Struct({
  /** The most tokens that an answer may have. */
  maxTokens: Schema.optional(Schema.Int.check(Schema.isGreaterThan(0))),
  /** More fields of the request, for example `{ temperature: 0 }`. They win; one that is null is left out. */
  body: Schema.optional(Schema.Record(Schema.String, Schema.Json)),
  /** Models that the server has, best known first, for those who write programs. */
  models: Schema.optional(Schema.Array(Schema.String)),
})
export type HttpCodecOptions = typeof HttpCodecOptions.Type

type Body = Readonly<Record<string, Schema.Json>>

/** The body of a request: the codec's own fields, and those of the options. */
const bodyWith = (own: Body, options: HttpCodecOptions): Body =>
  Object.fromEntries(Object.entries({ ...own, ...options.body }).filter(([, value]) => value !== null))

/** The spawn's own fields cannot be set by options: they would be taken for what the program said. */
const checkBody = (
  options: HttpCodecOptions,
  own: ReadonlyArray<string>,
): Result.Result<HttpCodecOptions, string> => {
  const taken = Object.keys(options.body ?? {}).find((key) => own.includes(key))
  return taken === undefined
    ? Result.succeed(options)
    : Result.fail(`body: ${taken} is what each spawn says, so that it cannot stand here`)
}

/** The texts of a spawn, which have to be Unicode. */
const checkInput = (input: HttpInput) =>
  Result.gen(function* () {
    yield* checkText("prompt", input.prompt)
    yield* checkText("systemPrompt", input.systemPrompt)
    yield* checkText("model", input.model)
    return input
  })

/** What all APIs tell, one way or another. */
type Told = { readonly ended: boolean; readonly text: string; readonly stopReason?: string | undefined }

/** An API: what its codec is, but for what all of them make of their options and of what was told. */
type HttpApi<State extends Told> = Omit<
  HttpCodecDefinition<State>,
  "decodeFinal" | "encodeRequest" | "models" | "options" | "problem"
> & {
  /** Whether what was told is a whole answer. */
  readonly isFinal: (state: State) => boolean
  readonly failureOf: (state: State) => string | undefined
  readonly usageIn: (state: State) => Usage | undefined
  /** The fields of a request that each spawn says. */
  readonly own: ReadonlyArray<string>
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly bodyOf: (input: HttpInput, options: HttpCodecOptions) => Body
}

/** The codec of an API, which `factory(options)` makes. */
export const builtInHttpCodec = <State extends Told>(
  factory: string,
  options: HttpCodecOptions,
  { bodyOf, failureOf, headers = {}, isFinal, own, usageIn, ...definition }: HttpApi<State>,
): HttpCodec => {
  const { encode, ...rest } = withOptions(factory, HttpCodecOptions, options, (valid) =>
    Result.map(
      checkBody(valid, own),
      () => (input: HttpInput) =>
        Result.map(checkInput(input), () => ({ headers, body: bodyWith(bodyOf(input, valid), valid) })),
    ),
  )
  return rememberFactory(
    factory,
    defineHttpCodec<State>({
      ...definition,
      decodeFinal: (state) =>
        outcomeOf({
          final: isFinal(state),
          text: state.text,
          stopReason: state.stopReason,
          errorMessage: failureOf(state),
          usage: usageIn(state),
        }),
      models: options.models ?? [],
      ...rest,
      encodeRequest: encode,
    }),
  )
}

/**
 * Where a request goes. A URL may be the endpoint itself, or the base that the vendor's own libraries take: then the
 * endpoint's name is added, and before it `/v1` where the base does not say a version.
 */
export const endpointOf =
  (name: string, addVersion: (path: string) => boolean) =>
  (base: URL): URL => {
    const url = new URL(base)
    const path = url.pathname.replace(/\/+$/, "")
    if (!path.endsWith(`/${name}`)) url.pathname = `${path}${addVersion(path) ? "/v1" : ""}/${name}`
    return url
  }

const Told = Schema.Union([
  Schema.NonEmptyString,
  Schema.Struct({
    message: ifValid(Schema.NonEmptyString),
    type: ifValid(Schema.NonEmptyString),
    code: ifValid(Schema.Union([Schema.NonEmptyString, Schema.Finite])),
  }),
])

/** `error`: all three vendors, and Ollama with a text; the rest: vLLM and other servers. */
const ErrorBody = Schema.Struct({
  error: ifValid(Told),
  message: ifValid(Schema.NonEmptyString),
  detail: ifValid(Schema.NonEmptyString),
})
const decodeError = Schema.decodeUnknownOption(ErrorBody)
const decodeTold = Schema.decodeUnknownOption(Told)

/** What an error says: its message, and what kind it is. */
export const toldError = (error: unknown): string => {
  const told = Option.getOrUndefined(decodeTold(error))
  if (told === undefined) return "the server reported an error without saying which"
  if (typeof told === "string") return told
  const kind = told.type ?? told.code
  const message = told.message ?? "the server reported an error"
  return kind === undefined || message.includes(String(kind)) ? message : `${message} (${kind})`
}

/** How much of a body that is no JSON is told. */
const proseLength = 300

/** What the body of an HTTP error says, in the server's own words; empty when it says nothing. */
export const errorIn = (body: string): string => {
  const value = jsonObject(body)
  if (value === undefined) {
    const prose = /^\s*</.test(body) ? "" : body.replace(/[\s\p{Cc}]+/gu, " ").trim()
    return prose.length > proseLength ? `${prose.slice(0, proseLength)}…` : prose
  }
  const { detail, error, message } = Option.getOrElse(decodeError(value), (): typeof ErrorBody.Type => ({}))
  return error === undefined ? (message ?? detail ?? "") : toldError(error)
}

/** The error in an event or an answer that was announced as a success, if there is one. */
export const errorWithin = (value: object): string | undefined =>
  "error" in value && value.error !== null && value.error !== undefined && value.error !== false
    ? toldError(value.error)
    : undefined

/** A usage, where both of its counts are known; zeros all over are what servers say that do not count. */
export const usageOf = (parts: {
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
    ...(cacheRead === undefined ? {} : { cacheReadTokens: cacheRead }),
    ...(cacheWrite === undefined ? {} : { cacheWriteTokens: cacheWrite }),
  }
}

/** The same, where the tokens that came from a cache are counted among those of the input. */
export const usageAmong = (
  input: number | undefined,
  output: number | undefined,
  cacheRead: number | undefined,
): Usage | undefined =>
  usageOf({ input: input === undefined ? undefined : input - (cacheRead ?? 0), output, cacheRead })

/** What to say of an answer that ends with a wish for a tool. */
export const wantsTool = "the model asks for a tool, and nothing carries out tools for it"

/** What to say of an answer that was withheld or cut. A refusal in words has these words. */
export const refused = (words: string): string =>
  words.trim() === "" ? "the model refused to answer" : `the model refused: ${words.trim()}`

export const filtered = "the answer was withheld or cut by the server's content filter"

/** What to say of an answer that has come to its end with neither a text nor a reason. */
export const saidNothing = "the server ended its answer without any text, and without a reason for that"
