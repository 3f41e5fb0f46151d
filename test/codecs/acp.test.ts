import { describe, expect, test } from "bun:test"
import { acpCodec } from "../../src/codecs/acp.codec.ts"
import { maxAnswerLength } from "../../src/codecs/line.codec.ts"
import { encoded, loneSurrogates, refusal, spawnInput, trickyTexts } from "./calls.ts"
import { decodeLines } from "./recorded.ts"

const line = (message: object) => JSON.stringify({ jsonrpc: "2.0", ...message })
const update = (fields: object) =>
  line({ method: "session/update", params: { sessionId: "s", update: fields } })
const say = (text: string, messageId?: string) =>
  update({ sessionUpdate: "agent_message_chunk", content: { type: "text", text }, messageId })
const tool = (fields: object, announced = true) =>
  update({ sessionUpdate: announced ? "tool_call" : "tool_call_update", toolCallId: "t", ...fields })
const adapter = (name: string) => line({ id: 0, result: { protocolVersion: 1, agentInfo: { name } } })
const end = (more: object = {}) => line({ id: 2, result: { stopReason: "end_turn", ...more } })

const decode = (...lines: ReadonlyArray<string>) => decodeLines(acpCodec(), lines)

describe("the answer", () => {
  test("is the last message, starting at its first word", () => {
    expect(
      decode(
        say("\n"),
        say(" I look."),
        tool({ rawInput: { a: 1 } }),
        say("\n"),
        say("It is"),
        say(" so.\n"),
        end(),
      ).outcome.text,
    ).toBe("It is so.\n")
    expect(decode(say("one", "m1"), say("two", "m2"), say("!", "m2"), end()).outcome.text).toBe("two!")
  })
  test("continues while a tool runs", () => {
    const going = [
      tool({ rawInput: { a: 1 }, status: "in_progress" }),
      say("It"),
      tool({ status: "completed" }, false),
      say(" is"),
      end(),
    ]
    expect(decode(...going).outcome.text).toBe("It is")
  })
  test("is the text before a tool call if none follows it", () => {
    expect(decode(say("done"), tool({ rawInput: { a: 1 } }), end()).outcome).toMatchObject({
      final: true,
      text: "done",
    })
  })
  test("is cut at the maximum length", () => {
    const half = "x".repeat(maxAnswerLength / 2)
    const { outcome } = decode(say(half), say(half), say("y"), end())
    expect(outcome.text).toHaveLength(maxAnswerLength)
    expect(outcome.errorMessage).toMatch(/was truncated/)
  })
  test("is ignored after the end and not final without one", () => {
    expect(
      decode(say("a"), end(), say("b"), line({ id: 3, error: { code: 1, message: "late" } })).outcome,
    ).toMatchObject({ text: "a", final: true })
    expect(decode(say("a")).outcome).toEqual({ final: false, text: "a" })
  })
  test("is required if the agent did nothing, and optional if it called a tool", () => {
    expect(decode(end()).outcome.errorMessage).toMatch(/without an answer/)
    expect(decode(tool({ status: "completed" }), end()).outcome).toEqual({
      final: true,
      text: "",
      stopReason: "end_turn",
    })
  })
  test("may have been in a dropped line", () => {
    expect(
      decodeLines(acpCodec(), [say("a"), end()], { code: 0, overlongLines: 1 }).outcome.errorMessage,
    ).toMatch(/maxLineBytes/)
  })
  test("is an error if the adapter sends its errors as answers", () => {
    expect(
      decode(
        adapter("@agentclientprotocol/codex-acp"),
        say("I look", "m"),
        tool({ rawInput: { a: 1 } }),
        say("status 529"),
        end(),
      ).outcome.errorMessage,
    ).toBe("status 529")
    expect(
      decode(
        adapter("pi-acp"),
        say("I look"),
        tool({ rawInput: { a: 1 } }),
        say("Retry finished, resuming."),
        end(),
      ).outcome.errorMessage,
    ).toMatch(/; last notice: Retry/)
    expect(
      decode(adapter("pi-acp"), say("Retrying (attempt 1/3, waiting 2s)..."), say("ok"), end()).outcome,
    ).toMatchObject({ text: "ok", final: true })
  })
})

describe("a tool call", () => {
  const calls = (...lines: ReadonlyArray<string>) =>
    decode(...lines, end()).events.map((event) =>
      event._tag === "ToolCall" ? [event.toolName, event.input] : event,
    )
  test("is reported once, when its input is known or it proceeds", () => {
    const announced = tool({ title: "Terminal", kind: "execute", status: "pending", rawInput: {} })
    expect(
      calls(
        announced,
        tool({ title: "ls", rawInput: { c: "ls" } }, false),
        tool({ status: "completed" }, false),
      ),
    ).toEqual([["execute", '{"c":"ls"}']])
    expect(calls(announced, tool({ status: "in_progress", title: null }, false))).toEqual([
      ["execute", "Terminal"],
    ])
    expect(calls(announced)).toEqual([["execute", "Terminal"]])
  })
  test("has the tool's name, or its kind, or its title", () => {
    expect(calls(tool({ name: "Bash", title: "ls", kind: "execute", rawInput: "ls" }))).toEqual([
      ["Bash", "ls"],
    ])
    expect(calls(tool({ title: "look up", kind: "other", status: "completed" }))).toEqual([
      ["look up", undefined],
    ])
    expect(calls(tool({ status: "completed" }))).toEqual([["t", undefined]])
  })
  test("is remembered for a limited time", () => {
    const many = Array.from({ length: 5000 }, (_, n) => tool({ toolCallId: `t${n}`, rawInput: { n } }))
    expect(calls(...many, tool({ toolCallId: "t4999", status: "completed" }, false))).toHaveLength(5000)
    const held = Array.from({ length: 1000 }, (_, n) => tool({ toolCallId: `t${n}` }))
    expect(calls(...held)).toHaveLength(1000)
  })
})

test("usage is as reported, without cached tokens in the input, and cost only in dollars", () => {
  const usage = { inputTokens: 10, outputTokens: 2, cachedReadTokens: 4, cachedWriteTokens: null }
  const cost = (currency: string) =>
    update({ sessionUpdate: "usage_update", used: 1, size: 2, cost: { amount: 1, currency } })
  const of = (total: number, currency: string) =>
    decode(say("a"), cost(currency), end({ usage: { ...usage, totalTokens: total } })).outcome.usage
  expect(of(16, "USD")).toEqual({ inputTokens: 10, outputTokens: 2, cacheReadTokens: 4, costUsd: 1 })
  expect(of(12, "credits")).toEqual({ inputTokens: 6, outputTokens: 2, cacheReadTokens: 4 })
  expect(decode(say("a"), cost("USD"), end({ usage: null })).outcome.usage).toBeUndefined()
})

describe("the request", () => {
  const codec = acpCodec()
  test("is one text that does not start with a command", () => {
    for (const text of Object.values(trickyTexts)) {
      const asked = codec.conversation?.prompt({ ...spawnInput, prompt: text, systemPrompt: text }) ?? ""
      expect(asked.trimStart()).toBe(`${text}\n\n${text}`.trimStart())
      expect(asked).not.toStartWith("/")
    }
  })
  test("is not on the command line, and is refused if it cannot be encoded", () => {
    expect(encoded(codec)).toEqual({ args: [], env: { CLAUDE_CODE_DISABLE_FILE_MENTIONS: "1" } })
    for (const text of Object.values(loneSurrogates))
      expect(refusal(codec, { prompt: text })).toMatch(/^prompt: /)
    expect(refusal(codec, { systemPrompt: " \n" })).toMatch(/^systemPrompt: /)
  })
})
