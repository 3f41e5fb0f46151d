/**
 * The Chat Completions API of OpenAI (`POST /v1/chat/completions`), streamed, as most other vendors and all local servers
 * speak it (llama.cpp, Ollama, vLLM, LM Studio).
 *
 * Each event is a chunk: `choices[0].delta` (`content`, `refusal`, `tool_calls` in pieces; reasoning, whatever the server
 * calls it, is passed over), `finish_reason` in the last one, then a chunk with `usage` and no choices, then `[DONE]`. Not
 * every server sends the last two. Cached tokens are among `prompt_tokens`, and told apart here.
 *
 * An answer that was cut (`length`) is an answer, with that `stopReason`. A refusal and `content_filter` are errors, and
 * so is an answer that waits for a tool. `maxTokens` is sent as `max_tokens`, which all servers know; models of OpenAI
 * that reason want `body: { max_completion_tokens: … }` instead.
 */
import { Option, Schema } from "effect"
import type { DriverEvent } from "../domain/driver.schema.ts"
import type { HttpCodec, HttpInput } from "../domain/http-codec.schema.ts"
import {
  builtInHttpCodec,
  endpointOf,
  errorWithin,
  filtered,
  type HttpCodecOptions,
  refused,
  saidNothing,
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
  messages: [{ role: "system", content: systemPrompt }, ...history, { role: "user", content: prompt }],
  stream: true,
  stream_options: { include_usage: true },
  ...(options.maxTokens === undefined ? {} : { max_tokens: options.maxTokens }),
})

const Part = Schema.Struct({ type: Schema.Literal("text"), text: Schema.String })
const ToolPiece = Schema.Struct({
  index: ifValid(Schema.Finite),
  function: ifValid(Schema.Struct({ name: ifValid(Schema.String), arguments: ifValid(Schema.Unknown) })),
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
  prompt_tokens: Schema.Finite,
  completion_tokens: Schema.Finite,
  prompt_tokens_details: ifValid(Schema.Struct({ cached_tokens: ifValid(Schema.Finite) })),
})
const Chunk = Schema.Struct({ choices: ifValid(Schema.Array(Schema.Unknown)), usage: ifValid(UsageFields) })

const decodeChunk = Schema.decodeUnknownOption(Chunk)
const decodeChoice = Schema.decodeUnknownOption(Choice)
const decodePart = Schema.decodeUnknownOption(Part)
const decodePiece = Schema.decodeUnknownOption(ToolPiece)

type Tool = { readonly index: number; readonly name: string; readonly input: string }
type State = {
  readonly ended: boolean
  readonly text: string
  readonly cut: boolean
  readonly refusal: string
  /** Tool calls that are being told. */
  readonly tools: ReadonlyArray<Tool>
  readonly stopReason?: string | undefined
  readonly errorMessage?: string | undefined
  readonly usage?: typeof UsageFields.Type | undefined
}

const initial: State = { ended: false, text: "", cut: false, refusal: "", tools: [] }

const textOf = (content: (typeof Message.Type)["content"]): string =>
  typeof content === "string"
    ? content
    : (content ?? [])
        .map((part) => Option.match(decodePart(part), { onNone: () => "", onSome: (it) => it.text }))
        .join("")

/** The most tool calls that are kept at a time. */
const maxTools = 256

const withPiece = (tools: ReadonlyArray<Tool>, given: unknown, position: number): ReadonlyArray<Tool> => {
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
  const text = textOf(given.content)
  return {
    ...state,
    text: addText(state.text, text),
    cut: state.cut || state.text.length + text.length > maxAnswerLength,
    refusal: addText(state.refusal, given.refusal ?? ""),
    tools: (given.tool_calls ?? []).reduce(withPiece, state.tools),
    ...(stopReason === undefined ? {} : { stopReason }),
  }
}

/** Tool calls are whole when their answer is. */
const tellTools = (state: State): Step<State> => {
  const events: ReadonlyArray<DriverEvent> = state.tools.flatMap(({ input, name }) =>
    name === "" ? [] : [toolCall(name, input)],
  )
  return state.tools.length === 0 ? [state, []] : [{ ...state, tools: [] }, events]
}

const decodeObject = (state: State, value: object | undefined): Step<State> => {
  if (value === undefined) return [state, []]
  const error = errorWithin(value)
  if (error !== undefined) return [{ ...state, ended: true, errorMessage: error }, []]
  const { choices = [], usage } = Option.getOrElse(decodeChunk(value), (): typeof Chunk.Type => ({}))
  const next = choices
    .flatMap((choice) => Option.toArray(decodeChoice(choice)))
    .filter(({ index = 0 }) => index === 0)
    .reduce(onChoice, usage === undefined ? state : { ...state, usage })
  return next.stopReason === undefined ? [next, []] : tellTools(next)
}

const decodeEvent = (state: State, data: string): Step<State> =>
  data.trim() === "[DONE]" ? tellTools({ ...state, ended: true }) : decodeObject(state, jsonObject(data))

const decodeWhole = (state: State, body: string): Step<State> => {
  const [next, events] = decodeObject(state, jsonObject(body))
  if (next === state || (next.stopReason === undefined && next.text === "")) return [next, events]
  const [told, more] = tellTools({ ...next, ended: true })
  return [told, [...events, ...more]]
}

/** Words of servers for an answer that went wrong midway: OpenRouter, vLLM, DeepSeek. */
const broken = new Set(["abort", "cancelled", "error", "insufficient_system_resource"])

const failureOf = ({
  cut,
  ended,
  errorMessage,
  refusal,
  stopReason = "",
  text,
}: State): string | undefined => {
  if (errorMessage !== undefined) return errorMessage
  if (refusal !== "" || stopReason === "refusal") return refused(refusal)
  if (stopReason === "content_filter") return filtered
  if (stopReason === "tool_calls" || stopReason === "function_call") return wantsTool
  if (ended && text === "" && stopReason === "") return saidNothing
  if (broken.has(stopReason)) return `the server stopped with ${stopReason}`
  return cut ? answerTooLong : undefined
}

const usageIn = ({ usage }: State) =>
  usageAmong(usage?.prompt_tokens, usage?.completion_tokens, usage?.prompt_tokens_details?.cached_tokens)

/** Speaks OpenAI's Chat Completions API, which most servers of models do. */
export const chatCompletionsCodec = (options: HttpCodecOptions = {}): HttpCodec =>
  builtInHttpCodec<State>("chatCompletionsCodec", options, {
    name: "chat-completions",
    modelFormat: "a model's name, as the server calls it",
    endpoint: endpointOf("chat/completions", (path) => path === ""),
    keyHeader: "authorization",
    own: ["model", "messages"],
    bodyOf,
    initial,
    decodeEvent,
    decodeWhole,
    isFinal: ({ ended, stopReason }) => ended || stopReason !== undefined,
    failureOf,
    usageIn,
  })
