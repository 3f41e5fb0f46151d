import { describe, expect, test } from "bun:test"
import { claudeCodec } from "../../src/codecs/claude.codec.ts"
import { claudeMessage, encoded, refusal, spawnInput } from "./calls.ts"
import { decodeLines } from "./recorded.ts"

describe("claude decodes", () => {
  const result = (fields: object) => JSON.stringify({ ...fields, type: "result" })
  const decode = (...lines: ReadonlyArray<string>) => decodeLines(claudeCodec(), lines)

  test("structured output replaces an empty text", () => {
    const { outcome } = decode(result({ subtype: "success", result: "", structured_output: { answer: [1] } }))
    expect(outcome).toEqual({ final: true, text: '{"answer":[1]}' })
  })
  test("a result with invalid fields is still the end", () => {
    const odd = {
      result: 7,
      usage: "many",
      modelUsage: [],
      session_id: "",
      stop_reason: null,
      is_error: false,
    }
    const said = '{"type":"assistant","message":{"content":[{"type":"text","text":"so far"}]}}'
    expect(decode(said, result(odd)).outcome).toEqual({ final: true, text: "so far" })
  })
  test("an error in any form is an error", () => {
    for (const fields of [
      { is_error: true },
      { is_error: "yes" },
      { subtype: "error_new" },
      { is_error: 1, result: "x" },
      { api_error_status: 529, result: "API Error: 529 Overloaded" },
      { status: "success", stats: {} },
    ]) {
      expect(decode(result(fields)).outcome.errorMessage).toBeString()
    }
  })
  test("a subagent's text is not the answer, but its tool calls count", () => {
    const line = JSON.stringify({
      type: "assistant",
      parent_tool_use_id: "toolu_1",
      message: {
        content: [
          { type: "text", text: "from below" },
          { type: "tool_use", name: "Read", input: { file_path: "/x" } },
        ],
      },
    })
    const { events, outcome } = decode(line)
    expect(outcome.text).toBe("")
    expect(events).toMatchObject([{ _tag: "ToolCall", toolName: "Read", input: '{"file_path":"/x"}' }])
  })
  test("claude's own messages about a failure are not an answer", () => {
    const said = '{"type":"assistant","message":{"model":"m","content":[{"type":"text","text":"so far"}]}}'
    const failed = (fields: object) =>
      JSON.stringify({
        type: "assistant",
        message: { model: "<synthetic>", content: [{ type: "text", text: "API Error: 529" }] },
        ...fields,
      })
    for (const fields of [{ error: "server_error" }, { is_api_error_message: true }]) {
      expect(
        decode(said, failed(fields), result({ result: "API Error: 529", is_error: true })).outcome,
      ).toEqual({ final: true, text: "so far", errorMessage: "API Error: 529" })
      // A result without its flag is not a success either.
      expect(decode(said, failed(fields), result({ result: "API Error: 529" })).outcome).toEqual({
        final: true,
        text: "so far",
        errorMessage: "API Error: 529",
      })
    }
    expect(decode(said, failed({})).outcome.text).toBe("so far")
  })
  const models = (inputTokens: number, costUSD?: number) => ({
    m: { inputTokens, outputTokens: 1, cacheReadInputTokens: 0, cacheCreationInputTokens: 0, costUSD },
  })
  const init = (version: string) =>
    JSON.stringify({ type: "system", subtype: "init", session_id: "s", claude_code_version: version })
  test("the usage is the sum of what claude reports as new, without repeated results", () => {
    const first = {
      uuid: "1",
      result: "a",
      modelUsage: models(10, 1),
      model_usage_since_last_result: models(5, 0.5),
    }
    const second = {
      uuid: "2",
      result: "b",
      modelUsage: models(13, 2),
      model_usage_since_last_result: models(3, 1),
    }
    const { outcome } = decode(result(first), result(second), result(second))
    expect(outcome.usage).toMatchObject({ inputTokens: 8, outputTokens: 2, costUsd: 1.5 })
    expect(outcome.usageOfSession).toBeUndefined()
  })
  test("the usage of a version that reports only totals is marked as usage of the session", () => {
    const total = result({ result: "a", modelUsage: models(10, 1), total_cost_usd: 1 })
    for (const [version, expected] of [
      ["2.1.197", undefined],
      ["2.1.276", undefined],
      ["2.1.277", true],
      ["2.1.303", true],
    ] as const) {
      const { outcome } = decode(init(version), total)
      expect(outcome.usage).toMatchObject({ inputTokens: 10, costUsd: 1 })
      expect(outcome.usageOfSession).toBe(expected)
    }
  })
  test("the cost of a failed call is unknown, not 0", () => {
    for (const fields of [
      { modelUsage: models(10, 0) },
      { model_usage_since_last_result: models(10, 0) },
      { usage: { input_tokens: 10, output_tokens: 1 } },
    ]) {
      const { usage } = decode(result({ is_error: true, total_cost_usd: 0, ...fields })).outcome
      expect(usage).toMatchObject({ inputTokens: 10, outputTokens: 1 })
      expect(usage?.costUsd).toBeUndefined()
    }
  })
  test("negative counts are unknown", () => {
    const odd = { result: "a", modelUsage: models(-1), usage: { input_tokens: 1, output_tokens: -1 } }
    expect(decode(result(odd)).outcome).toEqual({ final: true, text: "a" })
  })
  test("a version older than the tested ones is reported once", () => {
    expect(decode(init("2.1.196"), init("2.1.196")).events).toMatchObject([
      { _tag: "Session" },
      {
        _tag: "Milestone",
        message: "claude 2.1.196 is older than 2.1.197, the oldest version that mill is tested with",
      },
    ])
    for (const version of ["2.1.197", "2.2.0", "3.0.0-beta", "unknown"]) {
      expect(decode(init(version)).events).toMatchObject([{ _tag: "Session" }])
    }
  })
  test("a failed call that nothing follows is reported, unless a signal killed claude", () => {
    const failed = JSON.stringify({
      type: "assistant",
      is_api_error_message: true,
      message: { content: [{ type: "text", text: "API Error: 500" }] },
    })
    const end = (exit: { code?: number; signal?: string }) =>
      decodeLines(claudeCodec(), [failed], { ...exit, overlongLines: 0 }).outcome
    expect(end({ code: 1 })).toEqual({ final: false, text: "", errorMessage: "API Error: 500" })
    expect(end({ code: 143 })).toEqual({ final: false, text: "" })
    expect(end({ signal: "SIGKILL" })).toEqual({ final: false, text: "" })
  })
})

describe("claude encodes", () => {
  const file = "/scratch/spawn_1/system-prompt.txt"

  test("the prompt as a message on stdin, the system prompt in a file, the model with =", () => {
    expect(encoded(claudeCodec(), { model: "-x" })).toEqual({
      args: [
        "-p",
        "--input-format",
        "stream-json",
        "--output-format",
        "stream-json",
        "--verbose",
        "--model=-x",
        `--system-prompt-file=${file}`,
      ],
      stdin: claudeMessage(spawnInput.prompt),
      env: { CLAUDE_CODE_DISABLE_FILE_MENTIONS: "1" },
      files: { [file]: spawnInput.systemPrompt },
    })
  })
  test("options", () => {
    const codec = claudeCodec({
      systemPrompt: "append",
      tools: ["Read", "Bash"],
      permissionMode: "acceptEdits",
    })
    expect(encoded(codec).args.slice(-3)).toEqual([
      `--append-system-prompt-file=${file}`,
      "--tools=Read,Bash",
      "--permission-mode=acceptEdits",
    ])
    expect(encoded(claudeCodec({ tools: [] })).args).toContain("--tools=")
  })
  test("blank prompts are refused", () => {
    expect(refusal(claudeCodec(), { prompt: " \n" })).toMatch(/^prompt: must not be blank/)
  })
})
