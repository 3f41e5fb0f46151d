/**
 * The Responses API of OpenAI (`POST /v1/responses`), streamed, as also spoken by Ollama, vLLM and LM Studio.
 *
 * Events, told apart by the `type` in their data: `response.output_text.delta`, `response.refusal.delta`,
 * `response.output_item.done` (tool calls), and at the end `response.completed`, `response.incomplete` or
 * `response.failed`, each with the whole `response`; `error` at any time. Its `output` has the last word about the text.
 * Reasoning is passed over. Cached tokens are among `input_tokens`, and told apart here.
 *
 * The conversation is sent each time and kept nowhere else: `store` is false. The API tells no reason for stopping but
 * that of an incomplete response: one that was cut at `max_output_tokens` is an answer, with that `stopReason`. A refusal
 * and `content_filter` are errors, and so is an answer that waits for a tool.
 */
import { Option, Schema } from "effect"
import type { HttpCodec, HttpInput } from "../domain/http-codec.schema.ts"
import {
  builtInHttpCodec,
  endpointOf,
  errorWithin,
  filtered,
  type HttpCodecOptions,
  refused,
  saidNothing,
  toldError,
  usageAmong,
  wantsTool,
} from "./http.codec.ts"
import {
  addText,
  answerTooLong,
  ifValid,
  jsonObject,
  maxAnswerLength,
  type Step,
  toolCall,
} from "./line.codec.ts"

const bodyOf = ({ history, model, prompt, systemPrompt }: HttpInput, options: HttpCodecOptions) => ({
  model,
  instructions: systemPrompt,
  input: [...history, { role: "user", content: prompt }],
  stream: true,
  store: false,
  ...(options.maxTokens === undefined ? {} : { max_output_tokens: options.maxTokens }),
})

const Part = Schema.Struct({
  type: ifValid(Schema.String),
  text: ifValid(Schema.String),
  refusal: ifValid(Schema.String),
})
const Item = Schema.Struct({
  type: Schema.String,
  content: ifValid(Schema.Array(Schema.Unknown)),
  name: ifValid(Schema.NonEmptyString),
  arguments: Schema.optional(Schema.Unknown),
})
type Item = typeof Item.Type

const Response = Schema.Struct({
  status: ifValid(Schema.String),
  output: ifValid(Schema.Array(Schema.Unknown)),
  error: Schema.optional(Schema.Unknown),
  incomplete_details: ifValid(Schema.Struct({ reason: ifValid(Schema.NonEmptyString) })),
  usage: ifValid(
    Schema.Struct({
      input_tokens: Schema.Finite,
      output_tokens: Schema.Finite,
      input_tokens_details: ifValid(Schema.Struct({ cached_tokens: ifValid(Schema.Finite) })),
    }),
  ),
})
type Response = typeof Response.Type

const Event = Schema.Struct({
  type: ifValid(Schema.String),
  delta: ifValid(Schema.String),
  item: Schema.optional(Schema.Unknown),
  response: ifValid(Response),
})

const decodeType = Schema.decodeUnknownOption(Event)
const decodeResponse = Schema.decodeUnknownOption(Response)
const decodeItem = Schema.decodeUnknownOption(Item)
const decodePart = Schema.decodeUnknownOption(Part)

type State = {
  readonly ended: boolean
  readonly text: string
  readonly cut: boolean
  readonly refusal: string
  /** Whether there was anything in the answer, be it without a text. */
  readonly filled: boolean
  /** Whether the model waits for what only its caller could give. */
  readonly waits: boolean
  readonly stopReason?: string | undefined
  readonly errorMessage?: string | undefined
  readonly usage?: NonNullable<Response["usage"]> | undefined
}

const initial: State = { ended: false, text: "", cut: false, refusal: "", filled: false, waits: false }

const partsOf = (items: ReadonlyArray<Item>) =>
  items
    .filter(({ type }) => type === "message")
    .flatMap(({ content = [] }) => content.flatMap((part) => Option.toArray(decodePart(part))))

/** Calls of functions, which the caller would have to carry out, and of tools of the server's own. */
const onItem = (state: State, given: unknown): Step<State> => {
  const item = Option.getOrUndefined(decodeItem(given))
  if (item === undefined) return [state, []]
  if (!item.type.endsWith("_call")) return [{ ...state, filled: true }, []]
  const called = item.name ?? item.type.slice(0, -"_call".length)
  if (called === "") return [state, []]
  const waits = state.waits || item.type === "function_call" || item.type === "custom_tool_call"
  return [{ ...state, filled: true, waits }, [toolCall(called, item.arguments)]]
}

const onEnd = (state: State, response: Response): State => {
  const items = (response.output ?? []).flatMap((item) => Option.toArray(decodeItem(item)))
  const parts = partsOf(items)
  const text = parts.map((part) => part.text ?? "").join("")
  const refusal = parts.map((part) => part.refusal ?? "").join("")
  const { incomplete_details: details, status, usage } = response
  const stopReason = details?.reason ?? (status === "incomplete" ? "incomplete" : undefined)
  const failed = response.error !== null && response.error !== undefined
  return {
    ...state,
    ended: true,
    filled: state.filled || items.length > 0,
    text: text === "" ? state.text : text,
    cut: text === "" && state.cut,
    refusal: refusal === "" ? state.refusal : refusal,
    ...(stopReason === undefined ? {} : { stopReason }),
    ...(failed || status === "failed" || status === "cancelled"
      ? { errorMessage: toldError(response.error ?? { message: `the response has ${status}` }) }
      : {}),
    ...(usage === undefined ? {} : { usage }),
  }
}

const decodeEvent = (state: State, data: string): Step<State> => {
  const value = jsonObject(data)
  if (value === undefined) return [state, []]
  const event = Option.getOrElse(decodeType(value), (): typeof Event.Type => ({}))
  switch (event.type) {
    case "response.output_text.delta": {
      const { delta = "" } = event
      const cut = state.cut || state.text.length + delta.length > maxAnswerLength
      return [{ ...state, text: addText(state.text, delta), cut }, []]
    }
    case "response.refusal.delta":
      return [{ ...state, refusal: addText(state.refusal, event.delta ?? "") }, []]
    case "response.output_item.done":
      return onItem(state, event.item)
    case "response.completed":
      return [onEnd(state, { ...event.response, error: null }), []]
    case "response.incomplete":
      return [onEnd(state, { status: "incomplete", ...event.response, error: null }), []]
    case "response.failed":
      return [onEnd(state, { ...event.response, status: "failed" }), []]
    case "error": {
      // The vendor's own has `code` and `message` beside `type`; its libraries also know it with an `error` in it.
      const { type: _, ...fields }: Record<string, unknown> = { ...value }
      return [{ ...state, ended: true, errorMessage: errorWithin(value) ?? toldError(fields) }, []]
    }
    default: {
      const error = errorWithin(value)
      return error === undefined ? [state, []] : [{ ...state, ended: true, errorMessage: error }, []]
    }
  }
}

const decodeWhole = (state: State, body: string): Step<State> => {
  const value = jsonObject(body)
  const response = Option.getOrUndefined(decodeResponse(value))
  if (value === undefined || response === undefined) return [state, []]
  const error = errorWithin(value)
  if (error !== undefined) return [{ ...state, ended: true, errorMessage: error }, []]
  if (response.output === undefined) return [state, []]
  return response.output.reduce<Step<State>>(
    ([at, events], item) => {
      const [next, more] = onItem(at, item)
      return [next, [...events, ...more]]
    },
    [onEnd(state, response), []],
  )
}

const failureOf = (state: State): string | undefined => {
  const { cut, ended, errorMessage, filled, refusal, stopReason, text, waits } = state
  if (errorMessage !== undefined) return errorMessage
  if (refusal !== "") return refused(refusal)
  if (stopReason === "content_filter") return filtered
  if (waits) return wantsTool
  if (ended && !filled && text === "" && stopReason === undefined) return saidNothing
  return cut ? answerTooLong : undefined
}

const usageIn = ({ usage }: State) =>
  usageAmong(usage?.input_tokens, usage?.output_tokens, usage?.input_tokens_details?.cached_tokens)

/** Speaks OpenAI's Responses API. */
export const responsesCodec = (options: HttpCodecOptions = {}): HttpCodec =>
  builtInHttpCodec<State>("responsesCodec", options, {
    name: "responses",
    modelFormat: "a model's name, as the server calls it (gpt-6.1-sol)",
    endpoint: endpointOf("responses", (path) => path === ""),
    keyHeader: "authorization",
    own: ["model", "instructions", "input"],
    bodyOf,
    initial,
    decodeEvent,
    decodeWhole,
    isFinal: ({ ended }) => ended,
    failureOf,
    usageIn,
  })
