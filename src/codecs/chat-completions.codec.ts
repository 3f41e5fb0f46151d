/**
 * OpenAI's Chat Completions API (`POST /v1/chat/completions`), streamed, as also spoken by most other vendors and all
 * local servers (llama.cpp, Ollama, vLLM, LM Studio).
 *
 * Each event is a chunk: `choices[0].delta` (`content`, `refusal`, `tool_calls` in pieces; reasoning is ignored, whatever
 * its field is called), `finish_reason` in the last one, then a chunk with `usage` and no choices, then `[DONE]`. Not every
 * server sends the last two. `prompt_tokens` includes cached tokens, which are subtracted here.
 *
 * A truncated answer (`length`) counts as an answer with that `stopReason`. A refusal, `content_filter` and an answer that
 * waits for a tool are errors. `maxTokens` is sent as `max_tokens`, which all servers accept; OpenAI's reasoning models
 * need `body: { max_completion_tokens: … }` instead.
 */
import { Option, Schema } from "effect"
import type { DriverEvent } from "../domain/driver.schema.ts"
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
  makeUsageFromTotals,
  toolRequested,
} from "./http.codec.ts"
import { Amount, addText, appendText, ifValid, readTexts, type Step, makeToolCall } from "./line.codec.ts"

const makeBody = ({ history, model, prompt, systemPrompt }: HttpInput, options: HttpCodecOptions) => ({
  model,
  messages: [{ role: "system", content: systemPrompt }, ...history, { role: "user", content: prompt }],
  stream: true,
  stream_options: { include_usage: true },
  max_tokens: options.maxTokens ?? null,
})

const Message = Schema.Struct({
  content: ifValid(Schema.Union([Schema.String, Schema.Array(Schema.Unknown)])),
  refusal: ifValid(Schema.String),
  tool_calls: ifValid(Schema.Array(Schema.Unknown)),
})
const Choice = Schema.Struct({
  index: ifValid(Schema.Finite),
  /** Streamed. */
  delta: ifValid(Message),
  /** Not streamed. */
  message: ifValid(Message),
  finish_reason: ifValid(Schema.NonEmptyString),
})
const UsageFields = Schema.Struct({
  prompt_tokens: Amount,
  completion_tokens: Amount,
  prompt_tokens_details: ifValid(Schema.Struct({ cached_tokens: ifValid(Amount) })),
})
const Chunk = Schema.Struct({
  choices: ifValid(Schema.Array(Schema.Unknown)),
  model: ifValid(Schema.NonEmptyString),
  usage: ifValid(UsageFields),
})

const decodeChunk = Schema.decodeUnknownOption(Chunk)
const decodeChoice = Schema.decodeUnknownOption(Choice)
const decodePiece = Schema.decodeUnknownOption(
  Schema.Struct({
    index: ifValid(Schema.Finite),
    function: ifValid(Schema.Struct({ name: ifValid(Schema.String), arguments: ifValid(Schema.Unknown) })),
  }),
)

type Tool = { readonly index: number; readonly name: string; readonly input: string }
type State = {
  readonly ended: boolean
  readonly text: string
  readonly cut: boolean
  readonly refusal: string
  /** Tool calls that are arriving. */
  readonly tools: ReadonlyArray<Tool>
  readonly stopReason?: string | undefined
  readonly errorMessage?: string | undefined
  readonly model?: string | undefined
  readonly usage?: typeof UsageFields.Type | undefined
}

const initial: State = { ended: false, text: "", cut: false, refusal: "", tools: [] }

const joinText = (content: (typeof Message.Type)["content"]): string =>
  typeof content === "string" ? content : readTexts(content).join("")

/** Maximum number of tool calls in an answer. */
const maxTools = 256

const addPiece = (tools: ReadonlyArray<Tool>, given: unknown, position: number): ReadonlyArray<Tool> => {
  const piece = Option.getOrUndefined(decodePiece(given))
  if (piece === undefined) return tools
  const { arguments: more = "", name = "" } = piece.function ?? {}
  const input = typeof more === "string" ? more : JSON.stringify(more)
  const index = piece.index ?? position
  const known = tools.find((tool) => tool.index === index)
  if (known === undefined) return tools.length < maxTools ? [...tools, { index, name, input }] : tools
  const longer = { index, name: known.name || name, input: addText(known.input, input) }
  return tools.map((tool) => (tool === known ? longer : tool))
}

const onChoice = (state: State, { delta, finish_reason: stopReason, message }: typeof Choice.Type): State => {
  const given = delta ?? message ?? {}
  return {
    ...appendText(state, joinText(given.content)),
    refusal: addText(state.refusal, given.refusal ?? ""),
    tools: (given.tool_calls ?? []).reduce(addPiece, state.tools),
    stopReason: stopReason ?? state.stopReason,
  }
}

/** Reports the tool calls, which are complete once the answer is. */
const releaseTools = (state: State): Step<State> => {
  const events: ReadonlyArray<DriverEvent> = state.tools.flatMap(({ input, name }) =>
    name === "" ? [] : [makeToolCall(name, input)],
  )
  return state.tools.length === 0 ? [state, []] : [{ ...state, tools: [] }, events]
}

const decodeEvent = (state: State, value: object): Step<State> => {
  const error = findError(value)
  if (error !== undefined) return endWithError(state, error)
  const { choices = [], model, usage } = Option.getOrElse(decodeChunk(value), (): typeof Chunk.Type => ({}))
  const next = choices
    .flatMap((choice) => Option.toArray(decodeChoice(choice)))
    .filter(({ index = 0 }) => index === 0)
    .reduce(onChoice, usage === undefined ? state : { ...state, usage })
  if (next === state) return [state, []]
  const named = { ...next, model: model ?? next.model }
  return named.stopReason === undefined ? [named, []] : releaseTools(named)
}

const onDone = (state: State): Step<State> => releaseTools({ ...state, ended: true })

const decodeWhole = (state: State, value: object): Step<State> => {
  const [next, events] = decodeEvent(state, value)
  if (next === state || (next.stopReason === undefined && next.text === "")) return [next, events]
  const [ended, more] = onDone(next)
  return [ended, [...events, ...more]]
}

/** Stop reasons of OpenRouter, vLLM and DeepSeek for an answer that was interrupted. */
const broken = new Set(["abort", "cancelled", "error", "insufficient_system_resource"])

const findAnswerFailure = ({ ended, refusal, stopReason = "", text }: State): string | undefined => {
  if (refusal !== "" || stopReason === "refusal") return formatRefusal(refusal)
  if (stopReason === "content_filter") return contentFiltered
  if (stopReason === "tool_calls" || stopReason === "function_call") return toolRequested
  if (ended && text === "" && stopReason === "") return emptyAnswer
  return broken.has(stopReason) ? `the server ended the answer with finish_reason ${stopReason}` : undefined
}

const readAnswerUsage = ({ usage }: State) =>
  makeUsageFromTotals(
    usage?.prompt_tokens,
    usage?.completion_tokens,
    usage?.prompt_tokens_details?.cached_tokens,
  )

/** A codec for OpenAI's Chat Completions API, which most model servers speak. */
export const chatCompletionsCodec = (options: HttpCodecOptions = {}): HttpCodec =>
  defineBuiltInHttpCodec<State>("chatCompletionsCodec", options, {
    name: "chat-completions",
    modelFormat: "a model name that the server accepts",
    endpoint: makeEndpoint("chat/completions", (path) => path === ""),
    keyHeader: "authorization",
    ownFields: ["model", "messages"],
    makeBody,
    initial,
    decodeEvent,
    decodeWhole,
    onDone,
    isFinal: ({ ended, stopReason }) => ended || stopReason !== undefined,
    findAnswerFailure,
    readAnswerUsage,
  })
