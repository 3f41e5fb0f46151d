/** Recorded output of real adapters to the Agent Client Protocol. */
import { expect, test } from "bun:test"
import { acpCodec } from "../../src/codecs/acp.codec.ts"
import { decodeLines, linesOf, recording } from "./recorded.ts"

const decode = (adapter: string, name: string) =>
  decodeLines(acpCodec(), linesOf(recording(adapter, name).stdout))

test("claude-agent-acp: a tool call that is announced, requested and denied", () => {
  const { events, outcome } = decode("acp-claude", "permission-denied")
  expect(events).toMatchObject([
    { _tag: "Session", sessionRef: outcome.sessionRef ?? "" },
    { _tag: "ToolCall", toolName: "Bash", input: '{"command":"touch written.txt"}' },
    { _tag: "Milestone", message: "permission denied: touch written.txt" },
  ])
  expect(outcome).toMatchObject({
    final: true,
    text: "done\nTOOL RESULT 1: User refused permission to run tool",
    stopReason: "end_turn",
    usage: {
      inputTokens: 360,
      outputTokens: 16,
      cacheReadTokens: 90,
      cacheWriteTokens: 0,
      costUsd: 0.001778,
    },
  })
  expect(outcome.errorMessage).toBeUndefined()
})

test("claude-agent-acp: a server error", () => {
  const { outcome } = decode("acp-claude", "error-529")
  expect(outcome.errorMessage).toMatch(/^Internal error: API Error: 529 /)
  expect(outcome.text).toBe("")
  expect(outcome.final).toBe(false)
})

test("codex-acp: its own notices are not part of the answer", () => {
  const { events, outcome } = decode("acp-codex", "tool")
  expect(events).toMatchObject([
    { _tag: "Session" },
    { _tag: "Milestone", message: expect.stringMatching(/^Warning: Model metadata/) },
    { _tag: "ToolCall", toolName: "exec_command", input: '{"command":"echo hi","cwd":"/work"}' },
  ])
  expect(outcome).toMatchObject({
    final: true,
    text: expect.stringMatching(/^done\nTOOL RESULT 1: [^]*hi\n$/),
  })
  expect(outcome.usage).toMatchObject({ inputTokens: 240, cacheReadTokens: 60 })
})

test("codex-acp: an error sent as an answer", () => {
  const { outcome } = decode("acp-codex", "error-529")
  expect(outcome).toMatchObject({ text: "", errorMessage: expect.stringMatching(/^unexpected status 529/) })
})

test("zed's codex-acp: messages without ids, usage that reports only the context size", () => {
  const { events, outcome } = decode("acp-zed-codex", "tool")
  expect(events).toMatchObject([
    { _tag: "Session" },
    { _tag: "Milestone", message: expect.stringMatching(/^Model metadata for/) },
    { _tag: "ToolCall", toolName: "execute" },
  ])
  expect(outcome.text).toStartWith("done\nTOOL RESULT 1: ")
  expect(outcome.usage).toBeUndefined()
  expect(decode("acp-zed-codex", "error-529").outcome).toMatchObject({
    text: "",
    errorMessage: expect.stringMatching(/^Internal error: unexpected status 529 /),
  })
})

test("pi-acp: a tool call with neither name nor input", () => {
  const { events, outcome } = decode("acp-pi", "tool")
  expect(events).toMatchObject([{ _tag: "Session" }, { toolName: "execute", input: "echo hi" }])
  expect(outcome).toMatchObject({ final: true, text: "done\nTOOL RESULT 1: hi\n" })
})
