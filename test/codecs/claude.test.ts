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
