/**
 * OpenAI's Responses API (`POST /v1/responses`), streamed, as also spoken by Ollama, vLLM and LM Studio.
 *
 * Events, by the `type` in their data: `response.output_text.delta`, `response.refusal.delta`,
 * `response.output_item.done` (tool calls), and at the end `response.completed`, `response.incomplete` or
 * `response.failed`, each with the whole `response`; `error` at any time. The final `output` overrides the text so far.
 * Reasoning is ignored. `input_tokens` includes cached tokens, which are subtracted here.
 *
 * Each request sends the whole conversation and sets `store` to false. The API gives a stop reason only for an incomplete
 * response: one truncated at `max_output_tokens` counts as an answer with that `stopReason`. A refusal, `content_filter`
 * and an answer that waits for a tool are errors.
 */
import { Option, Schema } from "effect"
import type { HttpCodec, HttpInput } from "../domain/http-codec.schema.ts"
import {
  defineBuiltInHttpCodec,
  endWithError,
  makeEndpoint,
  findError,
  contentFiltered,
  type HttpCodecOptions,
  formatRefusal,
  emptyAnswer,
  formatServerError,
  makeUsageFromTotals,
  toolRequested,
} from "./http.codec.ts"
import { Amount, addText, appendText, ifValid, type Step, makeToolCall } from "./line.codec.ts"

const makeBody = ({ history, model, prompt, systemPrompt }: HttpInput, options: HttpCodecOptions) => ({
  model,
  instructions: systemPrompt,
  input: [...history, { role: "user", content: prompt }],
  stream: true,
  store: false,
  max_output_tokens: options.maxTokens ?? null,
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
  model: ifValid(Schema.NonEmptyString),
  output: ifValid(Schema.Array(Schema.Unknown)),
  error: Schema.optional(Schema.Unknown),
  incomplete_details: ifValid(Schema.Struct({ reason: ifValid(Schema.NonEmptyString) })),
  usage: ifValid(
    Schema.Struct({
      input_tokens: Amount,
      output_tokens: Amount,
      input_tokens_details: ifValid(Schema.Struct({ cached_tokens: ifValid(Amount) })),
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
const decodePart = Schema.decodeUnknownOption(
  Schema.Struct({
    type: ifValid(Schema.String),
    text: ifValid(Schema.String),
    refusal: ifValid(Schema.String),
  }),
)

type State = {
  readonly ended: boolean
  readonly text: string
  readonly cut: boolean
  readonly refusal: string
  /** Whether the answer has any items, even without text. */
  readonly filled: boolean
  /** Whether the model waits for the result of a tool of the caller. */
  readonly waits: boolean
  readonly stopReason?: string | undefined
  readonly errorMessage?: string | undefined
  readonly model?: string | undefined
  readonly usage?: NonNullable<Response["usage"]> | undefined
}

const initial: State = { ended: false, text: "", cut: false, refusal: "", filled: false, waits: false }

const listParts = (items: ReadonlyArray<Item>) =>
  items
    .filter(({ type }) => type === "message")
    .flatMap(({ content = [] }) => content.flatMap((part) => Option.toArray(decodePart(part))))

/** Reports calls of the caller's functions and of the server's own tools. */
const onItem = (state: State, given: unknown): Step<State> => {
  const item = Option.getOrUndefined(decodeItem(given))
  if (item === undefined) return [state, []]
  if (!item.type.endsWith("_call")) return [{ ...state, filled: true }, []]
  const name = item.name ?? item.type.slice(0, -"_call".length)
  if (name === "") return [state, []]
  const waits = state.waits || item.type === "function_call" || item.type === "custom_tool_call"
  return [{ ...state, filled: true, waits }, [makeToolCall(name, item.arguments)]]
}

const onEnd = (state: State, response: Response): State => {
  const items = (response.output ?? []).flatMap((item) => Option.toArray(decodeItem(item)))
  const parts = listParts(items)
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
    stopReason: stopReason ?? state.stopReason,
    errorMessage:
      failed || status === "failed" || status === "cancelled"
        ? formatServerError(response.error ?? { message: `the response ended with status ${status}` })
        : state.errorMessage,
    usage: usage ?? state.usage,
    model: response.model ?? state.model,
  }
}

const decodeEvent = (state: State, value: object): Step<State> => {
  const event = Option.getOrElse(decodeType(value), (): typeof Event.Type => ({}))
  switch (event.type) {
    case "response.output_text.delta":
      return [appendText(state, event.delta ?? ""), []]
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
      // OpenAI puts `code` and `message` beside `type`; its libraries also accept an `error` inside.
      const { type: _, ...fields }: Record<string, unknown> = { ...value }
      return endWithError(state, findError(value) ?? formatServerError(fields))
    }
    default: {
      const error = findError(value)
      return error === undefined ? [state, []] : endWithError(state, error)
    }
  }
}

const decodeWhole = (state: State, value: object): Step<State> => {
  const response = Option.getOrUndefined(decodeResponse(value))
  if (response?.output === undefined) return [state, []]
  return response.output.reduce<Step<State>>(
    ([at, events], item) => {
      const [next, more] = onItem(at, item)
      return [next, [...events, ...more]]
    },
    [onEnd(state, response), []],
  )
}

const findAnswerFailure = (state: State): string | undefined => {
  const { ended, filled, refusal, stopReason, text, waits } = state
  if (refusal !== "") return formatRefusal(refusal)
  if (stopReason === "content_filter") return contentFiltered
  if (waits) return toolRequested
  return ended && !filled && text === "" && stopReason === undefined ? emptyAnswer : undefined
}

const readAnswerUsage = ({ usage }: State) =>
  makeUsageFromTotals(usage?.input_tokens, usage?.output_tokens, usage?.input_tokens_details?.cached_tokens)

/** A codec for OpenAI's Responses API. */
export const responsesCodec = (options: HttpCodecOptions = {}): HttpCodec =>
  defineBuiltInHttpCodec<State>("responsesCodec", options, {
    name: "responses",
    modelFormat: "a model name that the server accepts, such as gpt-6.1-sol",
    endpoint: makeEndpoint("responses", (path) => path === ""),
    keyHeader: "authorization",
    ownFields: ["model", "instructions", "input"],
    makeBody,
    initial,
    decodeEvent,
    decodeWhole,
    isFinal: ({ ended }) => ended,
    findAnswerFailure,
    readAnswerUsage,
  })
