/**
 * The Messages API of Anthropic (`POST /v1/messages`, `anthropic-version: 2023-06-01`), streamed, as also spoken by
 * gateways and by local servers (llama.cpp, Ollama, vLLM, LM Studio).
 *
 * Events, told apart by the `type` in their data: `message_start` (`message.usage`), `content_block_start`,
 * `content_block_delta` (`text_delta`, `input_json_delta`; thinking is passed over), `content_block_stop`,
 * `message_delta` (`delta.stop_reason`, and the usage so far), `message_stop`, `ping`, and `error` at any time. The input
 * tokens that the API tells are those outside of its caches already.
 *
 * An answer that was cut at `max_tokens` is an answer, with that `stopReason`. One that ends with `refusal` is an error,
 * and so is one that waits for a tool (`tool_use`, `pause_turn`).
 */
import { Option, Schema } from "effect"
import type { HttpCodec, HttpInput } from "../domain/http-codec.schema.ts"
import {
  builtInHttpCodec,
  endpointOf,
  errorWithin,
  type HttpCodecOptions,
  refused,
  saidNothing,
  toldError,
  usageOf,
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

/** The API insists on a limit; models of all ages take this one. */
const defaultMaxTokens = 8192

const bodyOf = ({ history, model, prompt, systemPrompt }: HttpInput, options: HttpCodecOptions) => ({
  model,
  max_tokens: options.maxTokens ?? defaultMaxTokens,
  stream: true,
  system: systemPrompt,
  messages: [...history, { role: "user", content: prompt }],
})

const UsageFields = Schema.Struct({
  input_tokens: ifValid(Schema.Finite),
  output_tokens: ifValid(Schema.Finite),
  cache_read_input_tokens: ifValid(Schema.Finite),
  cache_creation_input_tokens: ifValid(Schema.Finite),
})
type UsageFields = typeof UsageFields.Type

const Block = Schema.Struct({
  type: ifValid(Schema.String),
  text: ifValid(Schema.String),
  name: ifValid(Schema.NonEmptyString),
  input: Schema.optional(Schema.Unknown),
})
type Block = typeof Block.Type

const Event = Schema.Struct({
  type: ifValid(Schema.String),
  message: ifValid(Schema.Struct({ usage: ifValid(UsageFields) })),
  content_block: ifValid(Block),
  delta: ifValid(
    Schema.Struct({
      text: ifValid(Schema.String),
      partial_json: ifValid(Schema.String),
      stop_reason: ifValid(Schema.NonEmptyString),
    }),
  ),
  usage: ifValid(UsageFields),
})
const Whole = Schema.Struct({
  content: Schema.Array(Schema.Unknown),
  stop_reason: ifValid(Schema.NonEmptyString),
  usage: ifValid(UsageFields),
})
const decodeType = Schema.decodeUnknownOption(Event)
const decodeMessage = Schema.decodeUnknownOption(Whole)
const decodeBlock = Schema.decodeUnknownOption(Block)

type State = {
  readonly ended: boolean
  readonly text: string
  readonly cut: boolean
  /** The tool call that is being told. */
  readonly tool?: { readonly name: string; readonly json: string; readonly input: unknown }
  readonly stopReason?: string | undefined
  readonly errorMessage?: string | undefined
  readonly usage: UsageFields
}

const initial: State = { ended: false, text: "", cut: false, usage: {} }

const said = (state: State, text: string): State => ({
  ...state,
  text: addText(state.text, text),
  cut: state.cut || state.text.length + text.length > maxAnswerLength,
})

const isTool = (type: string | undefined) => type?.endsWith("tool_use") === true

const onStart = (state: State, block: Block | undefined): State => {
  if (block?.text !== undefined && block.type === "text") return said(state, block.text)
  return block?.name !== undefined && isTool(block.type)
    ? { ...state, tool: { name: block.name, json: "", input: block.input } }
    : state
}

const onStop = (state: State): Step<State> => {
  const { tool, ...rest } = state
  return tool === undefined
    ? [state, []]
    : [rest, [toolCall(tool.name, tool.json === "" ? tool.input : tool.json)]]
}

const decodeEvent = (state: State, data: string): Step<State> => {
  const value = jsonObject(data)
  if (value === undefined) return [state, []]
  const event = Option.getOrElse(decodeType(value), (): typeof Event.Type => ({}))
  const error =
    event.type === "error" ? toldError("error" in value ? value.error : undefined) : errorWithin(value)
  if (error !== undefined) return [{ ...state, ended: true, errorMessage: error }, []]
  const { delta, usage } = event
  switch (event.type) {
    case "message_start":
      return [{ ...state, usage: { ...state.usage, ...event.message?.usage } }, []]
    case "content_block_start":
      return [onStart(state, event.content_block), []]
    case "content_block_delta": {
      const { tool } = state
      if (delta?.text !== undefined) return [said(state, delta.text), []]
      return delta?.partial_json === undefined || tool === undefined
        ? [state, []]
        : [{ ...state, tool: { ...tool, json: addText(tool.json, delta.partial_json) } }, []]
    }
    case "content_block_stop":
      return onStop(state)
    case "message_delta": {
      const stopReason = delta?.stop_reason
      const known = { ...state, usage: { ...state.usage, ...usage } }
      return [stopReason === undefined ? known : { ...known, stopReason }, []]
    }
    case "message_stop":
      return [{ ...state, ended: true }, []]
    default:
      return [state, []]
  }
}

const decodeWhole = (state: State, body: string): Step<State> => {
  const value = jsonObject(body)
  if (value === undefined) return [state, []]
  const error = errorWithin(value)
  if (error !== undefined) return [{ ...state, ended: true, errorMessage: error }, []]
  return Option.match(decodeMessage(value), {
    onNone: () => [state, []],
    onSome: ({ content, stop_reason: stopReason, usage }) => {
      const blocks = content.flatMap((block) => Option.toArray(decodeBlock(block)))
      const told = blocks.reduce((at, block) => (block.type === "text" ? onStart(at, block) : at), state)
      return [
        {
          ...told,
          ended: true,
          usage: usage ?? {},
          ...(stopReason === undefined ? {} : { stopReason }),
        },
        blocks.flatMap(({ input, name, type }) =>
          name !== undefined && isTool(type) ? [toolCall(name, input)] : [],
        ),
      ]
    },
  })
}

const failureOf = ({ cut, ended, errorMessage, stopReason, text }: State): string | undefined => {
  if (errorMessage !== undefined) return errorMessage
  if (stopReason === "refusal") return refused("")
  if (stopReason === "tool_use" || stopReason === "pause_turn") return wantsTool
  if (ended && text === "" && stopReason === undefined) return saidNothing
  return cut ? answerTooLong : undefined
}

const usageIn = ({ usage }: State) =>
  usageOf({
    input: usage.input_tokens,
    output: usage.output_tokens,
    cacheRead: usage.cache_read_input_tokens,
    cacheWrite: usage.cache_creation_input_tokens,
  })

/** Speaks Anthropic's Messages API. */
export const anthropicMessagesCodec = (options: HttpCodecOptions = {}): HttpCodec =>
  builtInHttpCodec<State>("anthropicMessagesCodec", options, {
    name: "anthropic-messages",
    modelFormat: "a model's name, as the server calls it (claude-sonnet-5-5)",
    endpoint: endpointOf("messages", (path) => !/\/v\d\w*$/.test(path)),
    keyHeader: "x-api-key",
    own: ["model", "system", "messages"],
    headers: { "anthropic-version": "2023-06-01" },
    bodyOf,
    initial,
    decodeEvent,
    decodeWhole,
    // A server that leaves out `message_stop` has still said why it stopped.
    isFinal: ({ ended, stopReason }) => ended || stopReason !== undefined,
    failureOf,
    usageIn,
  })
