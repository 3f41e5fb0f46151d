/** Codecs of HTTP APIs: their requests, and answers written by hand after the vendors' documentation. */
import { describe, expect, test } from "bun:test"
import { Arbitrary, Result, Schema } from "effect"
import { anthropicMessagesCodec } from "../../src/codecs/anthropic-messages.codec.ts"
import { chatCompletionsCodec } from "../../src/codecs/chat-completions.codec.ts"
import { readErrorBody } from "../../src/codecs/http.codec.ts"
import { responsesCodec } from "../../src/codecs/responses.codec.ts"
import { AgentOutcome, type DriverEvent } from "../../src/domain/driver.schema.ts"
import type { HttpCodec, HttpInput } from "../../src/domain/http-codec.schema.ts"
import { makeAnswerReader } from "../../src/internal/drivers/answer-reader.ts"
import { integer, property } from "../support/property.ts"
import { loneSurrogates, trickyTexts } from "./calls.ts"

const messages = anthropicMessagesCodec()
const chat = chatCompletionsCodec()
const responses = responsesCodec()

type Read = { readonly events: ReadonlyArray<DriverEvent>; readonly outcome: AgentOutcome }

/** What a body adds up to that comes in these chunks. */
const readChunks = (codec: HttpCodec, chunks: ReadonlyArray<Uint8Array>, max = 1_000_000): Read => {
  const reader = makeAnswerReader(codec, max)
  const events = [...chunks.flatMap((chunk) => reader.push(chunk).events), ...reader.close().events]
  return { events, outcome: reader.outcome() }
}
const bytes = (text: string) => new TextEncoder().encode(text)
const sse = (...events: ReadonlyArray<object | string>) =>
  events.map((event) => `data: ${typeof event === "string" ? event : JSON.stringify(event)}\n\n`).join("")
const read = (codec: HttpCodec, ...events: ReadonlyArray<object | string>) =>
  readChunks(codec, [bytes(sse(...events))])
const whole = (codec: HttpCodec, body: object) => readChunks(codec, [bytes(JSON.stringify(body))])

const usage = {
  input_tokens: 10,
  cache_read_input_tokens: 5,
  cache_creation_input_tokens: 2,
  output_tokens: 1,
}
const messageText = (stop_reason: string, ...texts: ReadonlyArray<string>) => [
  { type: "message_start", message: { id: "msg_1", role: "assistant", content: [], usage } },
  { type: "content_block_start", index: 0, content_block: { type: "thinking", thinking: "" } },
  { type: "content_block_delta", index: 0, delta: { type: "thinking_delta", thinking: "Hm." } },
  { type: "content_block_stop", index: 0 },
  { type: "ping" },
  { type: "content_block_start", index: 1, content_block: { type: "text", text: "" } },
  ...texts.map((text) => ({ type: "content_block_delta", index: 1, delta: { type: "text_delta", text } })),
  { type: "content_block_stop", index: 1 },
  { type: "message_delta", delta: { stop_reason, stop_sequence: null }, usage: { output_tokens: 7 } },
  { type: "message_stop" },
]
const chatText = (finish_reason: string, ...texts: ReadonlyArray<string>) => [
  { choices: [{ index: 0, delta: { role: "assistant", content: null, reasoning_content: "Hm." } }] },
  ...texts.map((content) => ({ choices: [{ index: 0, delta: { content }, finish_reason: null }] })),
  { choices: [{ index: 0, delta: {}, finish_reason }] },
  {
    choices: [],
    usage: { prompt_tokens: 17, completion_tokens: 7, prompt_tokens_details: { cached_tokens: 5 } },
  },
  "[DONE]",
]
const response = (fields: object) => ({
  id: "resp_1",
  status: "completed",
  error: null,
  incomplete_details: null,
  output: [],
  usage: { input_tokens: 17, output_tokens: 7, input_tokens_details: { cached_tokens: 5 } },
  ...fields,
})
const said = (...content: ReadonlyArray<object>) => [{ type: "message", role: "assistant", content }]
const responseText = (...texts: ReadonlyArray<string>) => [
  { type: "response.created", response: response({ status: "in_progress", usage: null }) },
  { type: "response.reasoning_summary_text.delta", delta: "Hm." },
  ...texts.map((delta) => ({ type: "response.output_text.delta", delta })),
  {
    type: "response.completed",
    response: response({ output: said({ type: "output_text", text: texts.join("") }) }),
  },
]

const known = { inputTokens: 10, cacheReadTokens: 5, cacheWriteTokens: 2, outputTokens: 7 }
const { cacheWriteTokens: _, ...cached } = { ...known, inputTokens: 12 }

describe("an answer", () => {
  test("has no usage if a count is negative", () => {
    const start = { type: "message_start", message: { usage } }
    const delta = { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: -1 } }
    expect(read(messages, start, delta).outcome.usage?.outputTokens).not.toBe(-1)
    const counts = { prompt_tokens: 17, completion_tokens: -7 }
    expect(read(chat, ...chatText("stop", "a"), { choices: [], usage: counts }).outcome.usage).toEqual(cached)
    const only = { choices: [{ index: 0, message: { content: "a" }, finish_reason: "stop" }], usage: counts }
    expect(whole(chat, only).outcome.usage).toBeUndefined()
    const negative = response({ usage: { input_tokens: 17, output_tokens: -7 } })
    expect(whole(responses, negative).outcome.usage).toBeUndefined()
  })
  test("has its text, its usage and its stop reason", () => {
    expect(read(messages, ...messageText("end_turn", "a", "b")).outcome).toEqual({
      final: true,
      text: "ab",
      stopReason: "end_turn",
      usage: known,
    })
    expect(read(chat, ...chatText("stop", "a", "b")).outcome).toEqual({
      final: true,
      text: "ab",
      stopReason: "stop",
      usage: cached,
    })
    expect(read(responses, ...responseText("a", "b")).outcome).toEqual({
      final: true,
      text: "ab",
      usage: cached,
    })
  })

  test("that ends without content or a reason is an error", () => {
    const nothing = expect.objectContaining({ errorMessage: expect.stringContaining("without any text") })
    expect(read(chat, "[DONE]").outcome).toEqual(nothing)
    expect(read(chat, { choices: [{ index: 0, delta: { role: "assistant" } }] }, "[DONE]").outcome).toEqual(
      nothing,
    )
    expect(read(messages, { type: "message_start", message: {} }, { type: "message_stop" }).outcome).toEqual(
      nothing,
    )
    expect(whole(messages, { content: [] }).outcome).toEqual(nothing)
    expect(read(responses, { type: "response.completed" }).outcome).toEqual(nothing)
    expect(whole(responses, response({})).outcome).toEqual(nothing)
  })

  test("may be empty if it has a reason or other content", () => {
    expect(read(chat, ...chatText("stop")).outcome).toMatchObject({
      final: true,
      text: "",
      stopReason: "stop",
    })
    expect(read(messages, ...messageText("end_turn")).outcome).toMatchObject({ final: true, text: "" })
    for (const outcome of [
      read(chat, ...chatText("stop")).outcome,
      read(messages, ...messageText("end_turn")).outcome,
      whole(responses, response({ output: said() })).outcome,
    ])
      expect(outcome.errorMessage).toBeUndefined()
  })

  test("that was cut at its limit is an answer", () => {
    expect(read(messages, ...messageText("max_tokens", "a")).outcome).toMatchObject({
      final: true,
      text: "a",
    })
    expect(read(chat, ...chatText("length", "a")).outcome).toMatchObject({
      final: true,
      stopReason: "length",
    })
    const cut = response({
      status: "incomplete",
      incomplete_details: { reason: "max_output_tokens" },
      output: said({ type: "output_text", text: "a" }),
    })
    const outcome = { final: true, text: "a", stopReason: "max_output_tokens", usage: cached }
    expect(read(responses, { type: "response.incomplete", response: cut }).outcome).toEqual(outcome)
    expect(whole(responses, cut).outcome).toEqual(outcome)
  })

  test("may arrive whole", () => {
    const message = {
      content: [{ type: "text", text: "ab" }],
      stop_reason: "end_turn",
      usage: { ...usage, output_tokens: 7 },
    }
    expect(whole(messages, message).outcome).toMatchObject({ final: true, text: "ab", usage: known })
    expect(whole(responses, response({ output: said({ type: "output_text", text: "ab" }) })).outcome).toEqual(
      {
        final: true,
        text: "ab",
        usage: cached,
      },
    )
  })

  test("has no negative counts", () => {
    const end = (prompt: number, completion: number, cachedTokens: number) => [
      { choices: [{ index: 0, delta: { content: "a" }, finish_reason: "stop" }] },
      {
        choices: [],
        usage: {
          prompt_tokens: prompt,
          completion_tokens: completion,
          prompt_tokens_details: { cached_tokens: cachedTokens },
        },
      },
      "[DONE]",
    ]
    expect(read(chat, ...end(-17, 7, 5)).outcome.usage).toBeUndefined()
    expect(read(chat, ...end(17, -7, 5)).outcome.usage).toBeUndefined()
    expect(read(chat, ...end(17, 7, -5)).outcome.usage).toEqual({ inputTokens: 17, outputTokens: 7 })
    const message = { content: [{ type: "text", text: "ab" }], stop_reason: "end_turn" }
    const messageUsage = (change: object) =>
      whole(messages, { ...message, usage: { ...usage, output_tokens: 7, ...change } }).outcome.usage
    expect(messageUsage({ output_tokens: -7 })).toBeUndefined()
    expect(messageUsage({ cache_read_input_tokens: -5 })).toEqual({ ...known, cacheReadTokens: undefined })
    const answer = response({ output: said({ type: "output_text", text: "ab" }) })
    const bad = { ...answer, usage: { input_tokens: 17, output_tokens: -7 } }
    expect(whole(responses, bad).outcome.usage).toBeUndefined()
  })

  test("that is too long in one event is an error", () => {
    const { outcome } = readChunks(chat, [bytes(sse(...chatText("stop", "x".repeat(2_000))))], 1_000)
    expect(outcome).toMatchObject({ final: false, errorMessage: expect.stringMatching(/maxLineBytes/) })
    expect(readChunks(chat, [bytes(`{"choices":"${"x".repeat(2_000)}`)], 1_000).outcome.errorMessage).toMatch(
      /maxLineBytes/,
    )
  })
})

describe("not an answer", () => {
  const errorOf = (...parts: Parameters<typeof read>) => read(...parts).outcome.errorMessage
  test("a refusal, and a filtered answer", () => {
    expect(errorOf(messages, ...messageText("refusal", "I"))).toBe("the model refused to answer")
    expect(errorOf(chat, { choices: [{ delta: { refusal: "I cannot." } }] }, ...chatText("stop"))).toBe(
      "the model refused: I cannot.",
    )
    expect(errorOf(chat, ...chatText("content_filter", "a"))).toMatch(/content filter/)
    const refusal = response({ output: said({ type: "refusal", refusal: "No." }) })
    expect(errorOf(responses, { type: "response.completed", response: refusal })).toBe(
      "the model refused: No.",
    )
    const filter = response({ status: "incomplete", incomplete_details: { reason: "content_filter" } })
    expect(errorOf(responses, { type: "response.incomplete", response: filter })).toMatch(/content filter/)
  })

  test("an error in the middle of the stream, in the server's words", () => {
    const start = messageText("end_turn", "a").slice(0, 7)
    const overloaded = { type: "error", error: { type: "overloaded_error", message: "Overloaded" } }
    expect(read(messages, ...start, overloaded).outcome).toMatchObject({
      text: "a",
      errorMessage: "Overloaded (overloaded_error)",
    })
    expect(errorOf(chat, { error: { message: "no memory", type: "server_error" } })).toBe(
      "no memory (server_error)",
    )
    const failed = {
      type: "response.failed",
      response: response({ error: { code: "server_error", message: "Sorry" } }),
    }
    expect(errorOf(responses, failed)).toBe("Sorry (server_error)")
    expect(errorOf(responses, { type: "error", code: "rate_limit", message: "Slow down" })).toBe(
      "Slow down (rate_limit)",
    )
  })

  test("a stream that ends too soon", () => {
    for (const [codec, events] of [
      [messages, messageText("end_turn", "a").slice(0, -2)],
      [chat, chatText("stop", "a").slice(0, 2)],
      [responses, responseText("a").slice(0, -1)],
    ] as const) {
      expect(read(codec, ...events).outcome).toEqual({
        final: false,
        text: "a",
        errorMessage: "the server closed the connection before the answer was complete",
        ...(codec === messages ? { usage: { ...known, outputTokens: 1 } } : {}),
      })
    }
  })

  test("a tool request, which is reported", () => {
    const call = [{ _tag: "ToolCall" as const, toolName: "look", input: '{"at":"x"}' }]
    const wish = expect.stringMatching(/requested a tool/)
    const [start] = messageText("tool_use")
    const tool = [
      {
        type: "content_block_start",
        index: 0,
        content_block: { type: "tool_use", id: "t", name: "look", input: {} },
      },
      ...['{"at":', '"x"}'].map((partial_json) => ({
        type: "content_block_delta",
        index: 0,
        delta: { type: "input_json_delta", partial_json },
      })),
    ]
    const block = read(messages, start ?? "", ...tool, ...messageText("tool_use").slice(6))
    expect(block).toMatchObject({ events: call, outcome: { errorMessage: wish } })
    const pieces = [{ name: "look", arguments: '{"at":' }, { arguments: '"x"}' }].map((piece) => ({
      choices: [{ delta: { tool_calls: [{ index: 0, function: piece }] } }],
    }))
    expect(read(chat, ...pieces, ...chatText("tool_calls"))).toMatchObject({
      events: call,
      outcome: { errorMessage: wish },
    })
    const item = { type: "function_call", name: "look", arguments: '{"at":"x"}' }
    expect(read(responses, { type: "response.output_item.done", item }, ...responseText())).toMatchObject({
      events: call,
      outcome: { errorMessage: wish },
    })
    expect(whole(responses, response({ output: [item] })).events).toEqual(call)
  })
})

test("the body of an HTTP error gives the reason in the format of any server", () => {
  const cases: ReadonlyArray<readonly [body: unknown, said: string]> = [
    [
      { type: "error", error: { type: "not_found_error", message: "model: x" } },
      "model: x (not_found_error)",
    ],
    [{ error: { message: "bad key", type: null, code: "invalid_api_key" } }, "bad key (invalid_api_key)"],
    [
      { error: { code: 400, message: "too long", type: "exceed_context_size_error" } },
      "too long (exceed_context_size_error)",
    ],
    [{ error: "model 'x' not found" }, "model 'x' not found"],
    [{ object: "error", message: "no such model", code: 404 }, "no such model"],
    [{ detail: "Not Found" }, "Not Found"],
    [{}, ""],
  ]
  for (const [body, expected] of cases) expect(readErrorBody(JSON.stringify(body))).toBe(expected)
  expect(readErrorBody("Bad\n gateway")).toBe("Bad gateway")
  expect(readErrorBody("<html>x</html>")).toBe("")
})

describe("a request", () => {
  const input: HttpInput = {
    agent: "a",
    systemPrompt: " S ",
    prompt: " P\n",
    model: "m",
    history: [
      { role: "user", content: "u" },
      { role: "assistant", content: "v" },
    ],
  }
  const body = (codec: HttpCodec, fields: Partial<HttpInput> = {}) =>
    Result.getOrThrow(codec.encodeRequest({ ...input, ...fields })).body
  const last = { role: "user", content: " P\n" }

  test("has every text unchanged, after the earlier conversation", () => {
    const { history } = input
    expect(body(messages)).toEqual({
      model: "m",
      max_tokens: 8192,
      stream: true,
      system: " S ",
      messages: [...history, last],
    })
    expect(body(chat)).toEqual({
      model: "m",
      stream: true,
      stream_options: { include_usage: true },
      messages: [{ role: "system", content: " S " }, ...history, last],
    })
    expect(body(responses)).toEqual({
      model: "m",
      stream: true,
      store: false,
      instructions: " S ",
      input: [...history, last],
    })
    for (const text of Object.values(trickyTexts)) {
      expect(JSON.stringify(body(chat, { prompt: text, systemPrompt: text }))).toBe(
        JSON.stringify(body(chat))
          .replace('" P\\n"', () => JSON.stringify(text))
          .replace('" S "', () => JSON.stringify(text)),
      )
    }
  })

  test("takes limits and more fields; null removes a field", () => {
    const options = { maxTokens: 9, body: { temperature: 0, stream_options: null } }
    expect(body(anthropicMessagesCodec(options))).toMatchObject({ max_tokens: 9, temperature: 0 })
    expect(body(chatCompletionsCodec(options))).toMatchObject({ max_tokens: 9, temperature: 0 })
    expect(Object.keys(body(chatCompletionsCodec(options)))).not.toContain("stream_options")
    expect(body(responsesCodec(options))).toMatchObject({ max_output_tokens: 9, temperature: 0 })
    expect(responsesCodec({ body: { input: "x" } }).problem).toMatch(/input is set by each spawn/)
    expect(messages.options).toEqual({})
  })

  test("is refused if UTF-8 cannot encode it", () => {
    for (const codec of [messages, chat, responses]) {
      for (const text of Object.values(loneSurrogates)) {
        expect(Result.isFailure(codec.encodeRequest({ ...input, prompt: text }))).toBe(true)
      }
    }
  })

  test("goes to the endpoint, from its own URL or from the vendor's base", () => {
    const at = (codec: HttpCodec, url: string) => codec.endpoint(new URL(url)).href
    expect(at(messages, "https://api.anthropic.com")).toBe("https://api.anthropic.com/v1/messages")
    expect(at(messages, "https://gate.example/anthropic/")).toBe("https://gate.example/anthropic/v1/messages")
    expect(at(messages, "https://gate.example/v1")).toBe("https://gate.example/v1/messages")
    expect(at(chat, "http://localhost:11434")).toBe("http://localhost:11434/v1/chat/completions")
    expect(at(chat, "https://openrouter.ai/api/v1/")).toBe("https://openrouter.ai/api/v1/chat/completions")
    const azure = "https://x.example/openai/deployments/d/chat/completions?api-version=1"
    expect(at(chat, azure)).toBe(azure)
    expect(at(responses, "https://api.openai.com/v1")).toBe("https://api.openai.com/v1/responses")
  })
})

const recordings: ReadonlyArray<readonly [HttpCodec, string]> = [
  [messages, sse(...messageText("end_turn", "héllo ", "👩‍💻 \u2028", "wörld"))],
  [chat, sse(...chatText("stop", "héllo ", "👩‍💻 \u2028", "wörld")).replaceAll("\n", "\r\n")],
  [responses, `\ufeff: hello\n\n${sse(...responseText("héllo ", "👩‍💻 \u2028", "wörld"))}`],
  [chat, JSON.stringify({ choices: [{ message: { content: "héllo 👩‍💻" }, finish_reason: "stop" }] })],
]
const isOutcome = Schema.is(AgentOutcome)

property(
  "it does not matter where the bytes are split",
  Arbitrary.all([
    integer(0, recordings.length - 1),
    Arbitrary.array(integer(0, 3_000), { maxLength: 12 }),
  ] as const),
  ([which, cuts]) => {
    const [codec, body] = recordings[which] ?? [chat, ""]
    const all = bytes(body)
    const places = [0, ...cuts.map((cut) => cut % all.length).toSorted((a, b) => a - b), all.length]
    const chunks = places.slice(1).map((end, index) => all.subarray(places[index], end))
    return Bun.deepEquals(readChunks(codec, chunks), readChunks(codec, [all]))
  },
)

property(
  "a body that is cut anywhere is no answer, or all of it",
  Arbitrary.all([integer(0, recordings.length - 1), integer(0, 3_000)] as const),
  ([which, cut]) => {
    const [codec, body] = recordings[which] ?? [chat, ""]
    const all = bytes(body)
    const complete = readChunks(codec, [all]).outcome
    const { outcome } = readChunks(codec, [all.subarray(0, cut % all.length)])
    return outcome.errorMessage === undefined
      ? outcome.final && outcome.text === complete.text
      : !outcome.final
  },
)

property(
  "no event makes them fail",
  Arbitrary.all([
    integer(0, 2),
    Arbitrary.array(Arbitrary.schema(Schema.Json), { maxLength: 6 }),
    integer(0, 9),
  ] as const),
  ([which, values, type]) => {
    const codec = [messages, chat, responses][which] ?? chat
    const types = [
      "message_start",
      "content_block_start",
      "content_block_delta",
      "message_delta",
      "error",
      "response.completed",
      "response.failed",
      "response.output_item.done",
      "response.output_text.delta",
      "choices",
    ]
    const odd = values.map((value) => {
      const parts = ["delta", "message", "response", "item", "content_block", "choices", "usage"]
      return { type: types[type], ...Object.fromEntries(parts.map((part) => [part, value])) }
    })
    return [read(codec, ...odd), ...odd.map((one) => whole(codec, one))].every(
      ({ outcome }) =>
        isOutcome(outcome) &&
        outcome.errorMessage !== "" &&
        (outcome.final || outcome.errorMessage !== undefined),
    )
  },
)
