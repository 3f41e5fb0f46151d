import { describe, expect, test } from "bun:test"
import { jsonlCodec } from "../../src/codecs/jsonl.codec.ts"
import { maxAnswerLength } from "../../src/codecs/line.codec.ts"
import { encoded, spawnInput, trickyTexts } from "./calls.ts"
import { decodeLines, exited } from "./recorded.ts"

const decode = (...lines: ReadonlyArray<object | string>) =>
  decodeLines(
    jsonlCodec(),
    lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line))),
  )

describe("jsonl decodes", () => {
  test("a whole conversation", () => {
    const usage = { inputTokens: 10, outputTokens: 2, cacheReadTokens: 1, costUsd: 0 }
    const { events, outcome } = decode(
      "starting up",
      { type: "session", sessionRef: "s-1" },
      { type: "session", sessionRef: "s-2" },
      { type: "milestone", message: "half\nway" },
      { type: "tool_call", toolName: "bash", input: { command: "ls" } },
      { type: "tool_call", toolName: "think" },
      { type: "tool_call", toolName: "say", input: "plain text" },
      { type: "text", text: "Hel" },
      { type: "text", text: "lo" },
      { type: "result", stopReason: "stop", usage },
    )
    expect(events).toMatchObject([
      { _tag: "Session", sessionRef: "s-1" },
      { _tag: "Milestone", message: "half way" },
      { _tag: "ToolCall", toolName: "bash", input: '{"command":"ls"}' },
      { _tag: "ToolCall", toolName: "think" },
      { _tag: "ToolCall", toolName: "say", input: "plain text" },
    ])
    expect(outcome).toEqual({ final: true, text: "Hello", sessionRef: "s-1", stopReason: "stop", usage })
  })
  test("a result's own text and session", () => {
    const { events, outcome } = decode(
      { type: "text", text: "draft" },
      { type: "result", text: "final", sessionRef: "s" },
    )
    expect(outcome).toEqual({ final: true, text: "final", sessionRef: "s" })
    expect(events).toHaveLength(1)
  })
  test("a result of another dialect is not an answer", () => {
    // The last line of `gemini -o stream-json` (0.61.0).
    const { outcome } = decode({ type: "result", status: "success", stats: { total_tokens: 12 } })
    expect(outcome).toMatchObject({ final: true, text: "" })
    expect(outcome.errorMessage).toBe("the result line has no `text`, and no text line came before it")
  })
  test("a negative usage is unknown", () => {
    const usage = { inputTokens: 1, outputTokens: -1 }
    expect(decode({ type: "result", text: "a", usage }).outcome).toEqual({ final: true, text: "a" })
  })
  test("an empty answer is an answer", () => {
    expect(decode({ type: "result", text: "" }).outcome).toEqual({ final: true, text: "" })
    expect(decode({ type: "text", text: "" }, { type: "result" }).outcome).toEqual({ final: true, text: "" })
  })
  test("lines after the end are ignored", () => {
    const { events, outcome } = decode(
      { type: "result", text: "first" },
      { type: "error", message: "late" },
      { type: "text", text: "late" },
      { type: "milestone", message: "late" },
    )
    expect(outcome).toEqual({ final: true, text: "first" })
    expect(events).toEqual([])
    expect(
      decode({ type: "error", message: "no" }, { type: "result", text: "yes" }).outcome.errorMessage,
    ).toBe("no")
  })
  test("an error keeps the text so far", () => {
    const { outcome } = decode({ type: "text", text: "so far" }, { type: "error", message: "out of luck" })
    expect(outcome).toEqual({ final: true, text: "so far", errorMessage: "out of luck" })
    expect(decode({ type: "error" }).outcome.errorMessage).toBeString()
    expect(decode({ type: "error", message: "" }).outcome.errorMessage).not.toBe("")
  })
  test("without an end the outcome is not final", () => {
    expect(decode({ type: "text", text: "so far" }).outcome).toEqual({ final: false, text: "so far" })
  })
  test("an invalid result is not an empty answer", () => {
    expect(decode({ type: "result", text: 42 }).outcome.errorMessage).toMatch(/`text` is not a string/)
    expect(decode({ type: "result", text: "x", usage: { inputTokens: 1 } }).outcome).toEqual({
      final: true,
      text: "x",
    })
  })
  test("unknown lines are ignored", () => {
    const lines = [
      '{"type":"result"',
      "[1]",
      '"result"',
      "null",
      '{"type":"session","sessionRef":""}',
      '{"type":7}',
      "",
    ]
    expect(decode(...lines, { type: "milestone", message: " " })).toEqual({
      events: [],
      outcome: { final: false, text: "" },
    })
    expect(decode('\ufeff  {"type":"result","text":"x"}\r').outcome.text).toBe("x")
  })
  test("a dropped line may have been a part of the answer, unless the result has the whole text", () => {
    const dropped = (...lines: ReadonlyArray<object>) =>
      decodeLines(
        jsonlCodec(),
        lines.map((line) => JSON.stringify(line)),
        { ...exited, overlongLines: 1 },
      ).outcome
    expect(dropped({ type: "result", text: "whole" }).errorMessage).toBeUndefined()
    expect(dropped({ type: "text", text: "part" }, { type: "result" }).errorMessage).toMatch(/maxLineBytes/)
  })
  test("an endless answer is cut and not a success", () => {
    const part = { type: "text", text: "x".repeat(maxAnswerLength / 4 + 1) }
    const { outcome } = decode(part, part, part, part, part, { type: "result" })
    expect(outcome.text).toHaveLength(maxAnswerLength)
    expect(outcome.errorMessage).toMatch(/longer than \d+ characters/)
  })
})

describe("jsonl encodes", () => {
  test("one line of JSON on standard input, and no arguments", () => {
    const { agent, model, prompt, systemPrompt } = spawnInput
    expect(encoded(jsonlCodec())).toEqual({
      args: [],
      stdin: `${JSON.stringify({ type: "spawn", agent, systemPrompt, prompt, model })}\n`,
    })
  })
  for (const [name, text] of Object.entries({ ...trickyTexts, "half of a pair": "a\ud83db" })) {
    test(`${name} arrives`, () => {
      const { stdin = "" } = encoded(jsonlCodec(), {
        prompt: text,
        systemPrompt: text,
        model: text,
        agent: text,
      })
      expect(stdin.indexOf("\n")).toBe(stdin.length - 1)
      expect(JSON.parse(stdin)).toEqual({
        type: "spawn",
        agent: text,
        systemPrompt: text,
        prompt: text,
        model: text,
      })
    })
  }
})
