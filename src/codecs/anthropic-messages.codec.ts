/**
 * Anthropic's Messages API (`POST /v1/messages`, `anthropic-version: 2023-06-01`), streamed, as also spoken by
 * gateways and by local servers (llama.cpp, Ollama, vLLM, LM Studio).
 *
 * Events, by the `type` in their data: `message_start` (`message.usage`), `content_block_start`, `content_block_delta`
 * (`text_delta`, `input_json_delta`; thinking is ignored), `content_block_stop`, `message_delta` (`delta.stop_reason`, and
 * the usage so far), `message_stop`, `ping`, and `error` at any time. The API's input tokens exclude cached tokens.
 *
 * An answer truncated at `max_tokens` counts as an answer with that `stopReason`. An answer that ends with `refusal` is an
 * error, as is one that waits for a tool (`tool_use`, `pause_turn`).
 */
import { Option, Schema } from "effect"
import type { HttpCodec, HttpInput } from "../domain/http-codec.schema.ts"
import {
  defineBuiltInHttpCodec,
  endWithError,
  makeEndpoint,
  findError,
  type HttpCodecOptions,
  formatRefusal,
  emptyAnswer,
  formatServerError,
  makeUsage,
  toolRequested,
} from "./http.codec.ts"
import { Amount, addText, appendText, applyDecoded, ifValid, type Step, makeToolCall } from "./line.codec.ts"

/** The API requires a limit. Old and new models accept this one. */
const defaultMaxTokens = 8192

const makeBody = ({ history, model, prompt, systemPrompt }: HttpInput, options: HttpCodecOptions) => ({
  model,
  max_tokens: options.maxTokens ?? defaultMaxTokens,
  stream: true,
  system: systemPrompt,
  messages: [...history, { role: "user", content: prompt }],
})

const UsageFields = Schema.Struct({
  input_tokens: ifValid(Amount),
  output_tokens: ifValid(Amount),
  cache_read_input_tokens: ifValid(Amount),
  cache_creation_input_tokens: ifValid(Amount),
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
  message: ifValid(Schema.Struct({ model: ifValid(Schema.NonEmptyString), usage: ifValid(UsageFields) })),
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
const decodeType = Schema.decodeUnknownOption(Event)
const decodeMessage = Schema.decodeUnknownOption(
  Schema.Struct({
    content: Schema.Array(Schema.Unknown),
    model: ifValid(Schema.NonEmptyString),
    stop_reason: ifValid(Schema.NonEmptyString),
    usage: ifValid(UsageFields),
  }),
)
const decodeBlock = Schema.decodeUnknownOption(Block)

type State = {
  readonly ended: boolean
  readonly text: string
  readonly cut: boolean
  /** The tool call that is arriving. */
  readonly tool?: { readonly name: string; readonly json: string; readonly input: unknown } | undefined
  readonly stopReason?: string | undefined
  readonly errorMessage?: string | undefined
  readonly model?: string | undefined
  readonly usage: UsageFields
}

const initial: State = { ended: false, text: "", cut: false, usage: {} }

const isTool = (type: string | undefined) => type?.endsWith("tool_use") === true

const onStart = (state: State, block: Block | undefined): State => {
  if (block?.text !== undefined && block.type === "text") return appendText(state, block.text)
  return block?.name !== undefined && isTool(block.type)
    ? { ...state, tool: { name: block.name, json: "", input: block.input } }
    : state
}

const onStop = (state: State): Step<State> => {
  const { tool } = state
  return tool === undefined
    ? [state, []]
    : [{ ...state, tool: undefined }, [makeToolCall(tool.name, tool.json === "" ? tool.input : tool.json)]]
}

const decodeEvent = (state: State, value: object): Step<State> => {
  const event = Option.getOrElse(decodeType(value), (): typeof Event.Type => ({}))
  const error =
    event.type === "error" ? formatServerError("error" in value ? value.error : undefined) : findError(value)
  if (error !== undefined) return endWithError(state, error)
  const { delta, usage } = event
  switch (event.type) {
    case "message_start": {
      const { model = state.model, usage: first } = event.message ?? {}
      return [{ ...state, model, usage: { ...state.usage, ...first } }, []]
    }
    case "content_block_start":
      return [onStart(state, event.content_block), []]
    case "content_block_delta": {
      const { tool } = state
      if (delta?.text !== undefined) return [appendText(state, delta.text), []]
      return delta?.partial_json === undefined || tool === undefined
        ? [state, []]
        : [{ ...state, tool: { ...tool, json: addText(tool.json, delta.partial_json) } }, []]
    }
    case "content_block_stop":
      return onStop(state)
    case "message_delta": {
      const stopReason = delta?.stop_reason ?? state.stopReason
      return [{ ...state, stopReason, usage: { ...state.usage, ...usage } }, []]
    }
    case "message_stop":
      return [{ ...state, ended: true }, []]
    default:
      return [state, []]
  }
}

const decodeWhole = (state: State, value: object): Step<State> =>
  applyDecoded(state, decodeMessage(value), ({ content, model, stop_reason: stopReason, usage }) => {
    const blocks = content.flatMap((block) => Option.toArray(decodeBlock(block)))
    const texts = blocks.filter(({ type }) => type === "text")
    return [
      { ...texts.reduce(onStart, state), ended: true, usage: usage ?? {}, stopReason, model },
      blocks.flatMap(({ input, name, type }) =>
        name !== undefined && isTool(type) ? [makeToolCall(name, input)] : [],
      ),
    ]
  })

const findAnswerFailure = ({ ended, stopReason, text }: State): string | undefined => {
  if (stopReason === "refusal") return formatRefusal("")
  if (stopReason === "tool_use" || stopReason === "pause_turn") return toolRequested
  return ended && text === "" && stopReason === undefined ? emptyAnswer : undefined
}

const readAnswerUsage = ({ usage }: State) =>
  makeUsage({
    input: usage.input_tokens,
    output: usage.output_tokens,
    cacheRead: usage.cache_read_input_tokens,
    cacheWrite: usage.cache_creation_input_tokens,
  })

/** A codec for Anthropic's Messages API. */
export const anthropicMessagesCodec = (options: HttpCodecOptions = {}): HttpCodec =>
  defineBuiltInHttpCodec<State>("anthropicMessagesCodec", options, {
    name: "anthropic-messages",
    modelFormat: "a model name that the server accepts, such as claude-sonnet-5-5",
    endpoint: makeEndpoint("messages", (path) => !/\/v\d\w*$/.test(path)),
    keyHeader: "x-api-key",
    ownFields: ["model", "system", "messages"],
    headers: { "anthropic-version": "2023-06-01" },
    makeBody,
    initial,
    decodeEvent,
    decodeWhole,
    // A server may omit `message_stop` but still report why it stopped.
    isFinal: ({ ended, stopReason }) => ended || stopReason !== undefined,
    findAnswerFailure,
    readAnswerUsage,
  })
