/** Encodes an answer for each model API: as server-sent events, as one JSON value, or as an error. */
import type { Api, ModelCall } from "./model-server.read.ts"
import type { Answer, Pause } from "./model-server.script.ts"

/** A piece of a streamed body, or a pause between two pieces. */
export type Frame = string | Pause

interface Dialect {
  readonly stream: (call: ModelCall, answer: Answer, id: string) => Generator<Frame>
  readonly whole: (call: ModelCall, answer: Answer, id: string) => unknown
}

const inputTokens = 120
const cachedTokens = 30
const countOutputTokens = (answer: Answer) => Math.max(1, Math.ceil(answer.text.length / 4))

/** The tokens of an answer. `inputTokens` excludes those that were read from a cache. */
export const countTokens = (answer: Answer) => ({
  inputTokens,
  outputTokens: countOutputTokens(answer),
  cacheReadTokens: cachedTokens,
})

const formatEvent = (data: { readonly type: string; readonly [field: string]: unknown }) =>
  `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`
const formatData = (value: unknown) => `data: ${JSON.stringify(value)}\n\n`

/** Splits the text between characters, with the pause in the middle. */
function* splitText(answer: Answer): Generator<Frame> {
  const characters = Array.from(answer.text)
  const size = characters.length > 4096 ? 512 : 8
  const count = Math.ceil(characters.length / size)
  for (let i = 0; i < count; i++) {
    if (i === Math.floor(count / 2) && i > 0 && answer.pause !== undefined) yield answer.pause
    yield characters.slice(i * size, (i + 1) * size).join("")
  }
  if (count < 2 && answer.pause !== undefined) yield answer.pause
}

function* formatPieces(answer: Answer, say: (text: string) => string): Generator<Frame> {
  for (const piece of splitText(answer)) yield typeof piece === "string" ? say(piece) : piece
}

// Anthropic Messages

const messagesStop = { end: "end_turn", tool: "tool_use", length: "max_tokens" }
const messagesUsage = {
  input_tokens: inputTokens,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: cachedTokens,
}
const makeMessagesHead = (call: ModelCall, id: string) => ({
  id: `msg_${id}`,
  type: "message",
  role: "assistant",
  model: call.model,
})

const messages: Dialect = {
  *stream(call, answer, id) {
    const message = { ...makeMessagesHead(call, id), content: [], stop_reason: null, stop_sequence: null }
    yield formatEvent({
      type: "message_start",
      message: { ...message, usage: { ...messagesUsage, output_tokens: 1 } },
    })
    let index = 0
    if (answer.text !== "" || answer.pause !== undefined) {
      yield formatEvent({ type: "content_block_start", index, content_block: { type: "text", text: "" } })
      yield* formatPieces(answer, (text) =>
        formatEvent({ type: "content_block_delta", index, delta: { type: "text_delta", text } }),
      )
      yield formatEvent({ type: "content_block_stop", index })
      index++
    }
    if (answer.toolCall !== undefined) {
      const { name, input } = answer.toolCall
      const partial = { type: "input_json_delta", partial_json: JSON.stringify(input) }
      yield formatEvent({
        type: "content_block_start",
        index,
        content_block: { type: "tool_use", id: `toolu_${id}`, name, input: {} },
      })
      yield formatEvent({ type: "content_block_delta", index, delta: partial })
      yield formatEvent({ type: "content_block_stop", index })
    }
    const usage = { ...messagesUsage, output_tokens: countOutputTokens(answer) }
    yield formatEvent({
      type: "message_delta",
      delta: { stop_reason: messagesStop[answer.stop], stop_sequence: null },
      usage,
    })
    yield formatEvent({ type: "message_stop" })
  },
  whole: (call, answer, id) => ({
    ...makeMessagesHead(call, id),
    content: [
      ...(answer.text === "" ? [] : [{ type: "text", text: answer.text }]),
      ...(answer.toolCall === undefined ? [] : [{ type: "tool_use", id: `toolu_${id}`, ...answer.toolCall }]),
    ],
    stop_reason: messagesStop[answer.stop],
    stop_sequence: null,
    usage: { ...messagesUsage, output_tokens: countOutputTokens(answer) },
  }),
}

// OpenAI Chat Completions

const chatStop = { end: "stop", tool: "tool_calls", length: "length" }
const makeChatHead = (call: ModelCall, id: string) => ({
  id: `chatcmpl-${id}`,
  created: 1_700_000_000,
  model: call.model,
})
const makeChatUsage = (answer: Answer) => ({
  prompt_tokens: inputTokens + cachedTokens,
  completion_tokens: countOutputTokens(answer),
  total_tokens: inputTokens + cachedTokens + countOutputTokens(answer),
  prompt_tokens_details: { cached_tokens: cachedTokens },
})
const makeChatToolCalls = ({ toolCall }: Answer, id: string) =>
  toolCall === undefined
    ? []
    : [
        {
          index: 0,
          id: `call_${id}`,
          type: "function",
          function: { name: toolCall.name, arguments: JSON.stringify(toolCall.input) },
        },
      ]

const chat: Dialect = {
  *stream(call, answer, id) {
    const head = { ...makeChatHead(call, id), object: "chat.completion.chunk" }
    const chunk = (delta: unknown, finish_reason: string | null = null) =>
      formatData({ ...head, choices: [{ index: 0, delta, finish_reason }] })
    yield chunk({ role: "assistant", content: "" })
    yield* formatPieces(answer, (content) => chunk({ content }))
    for (const toolCall of makeChatToolCalls(answer, id)) yield chunk({ tool_calls: [toolCall] })
    yield chunk({}, chatStop[answer.stop])
    yield formatData({ ...head, choices: [], usage: makeChatUsage(answer) })
    yield "data: [DONE]\n\n"
  },
  whole: (call, answer, id) => ({
    ...makeChatHead(call, id),
    object: "chat.completion",
    choices: [
      {
        index: 0,
        message: { role: "assistant", content: answer.text, tool_calls: makeChatToolCalls(answer, id) },
        finish_reason: chatStop[answer.stop],
      },
    ],
    usage: makeChatUsage(answer),
  }),
}

// OpenAI Responses

const makeResponseItem = (answer: Answer, id: string) =>
  answer.toolCall === undefined
    ? {
        type: "message",
        id: `msg_${id}`,
        role: "assistant",
        status: "completed",
        content: [{ type: "output_text", text: answer.text, annotations: [] }],
      }
    : {
        type: "function_call",
        id: `fc_${id}`,
        call_id: `call_${id}`,
        name: answer.toolCall.name,
        arguments: JSON.stringify(answer.toolCall.input),
        status: "completed",
      }
const makeResponseHead = (call: ModelCall, id: string) => ({
  id: `resp_${id}`,
  object: "response",
  created_at: 1_700_000_000,
  model: call.model,
})

const responses: Dialect = {
  *stream(call, answer, id) {
    const item = makeResponseItem(answer, id)
    const place = { item_id: item.id, output_index: 0, content_index: 0 }
    let sequence_number = 0
    const next = (type: string, rest: Record<string, unknown>) =>
      formatEvent({ type, sequence_number: sequence_number++, ...rest })
    yield next("response.created", {
      response: { ...makeResponseHead(call, id), status: "in_progress", output: [] },
    })
    yield next("response.output_item.added", {
      output_index: 0,
      item: { ...item, status: "in_progress", content: [], arguments: "" },
    })
    if (answer.toolCall === undefined) {
      yield* formatPieces(answer, (delta) => next("response.output_text.delta", { ...place, delta }))
      yield next("response.output_text.done", { ...place, text: answer.text })
    }
    yield next("response.output_item.done", { output_index: 0, item })
    const end = answer.stop === "length" ? "response.incomplete" : "response.completed"
    yield next(end, { response: responses.whole(call, answer, id) })
  },
  whole: (call, answer, id) => ({
    ...makeResponseHead(call, id),
    status: answer.stop === "length" ? "incomplete" : "completed",
    incomplete_details: answer.stop === "length" ? { reason: "max_output_tokens" } : null,
    output: [makeResponseItem(answer, id)],
    error: null,
    usage: {
      input_tokens: inputTokens + cachedTokens,
      input_tokens_details: { cached_tokens: cachedTokens },
      output_tokens: countOutputTokens(answer),
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: inputTokens + cachedTokens + countOutputTokens(answer),
    },
  }),
}

export const dialects: Record<Api, Dialect> = { messages, chat, responses }

const errorTypes = new Map([
  [400, "invalid_request_error"],
  [401, "authentication_error"],
  [403, "permission_error"],
  [404, "not_found_error"],
  [429, "rate_limit_error"],
  [529, "overloaded_error"],
])

export const makeErrorBody = (api: Api, status: number): unknown => {
  const type = errorTypes.get(status) ?? "api_error"
  const message = `scripted error ${status}`
  return api === "messages"
    ? { type: "error", error: { type, message } }
    : { error: { type, message, param: null, code: null } }
}
