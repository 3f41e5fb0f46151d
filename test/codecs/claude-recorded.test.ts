import { describe, expect, test } from "bun:test"
import { claudeCodec } from "../../src/codecs/claude.codec.ts"
import type { Usage } from "../../src/domain/spawn.schema.ts"
import { casesOf, type Expected, expectCase, recording } from "./recorded.ts"

/** The server counts 120 tokens and 30 cached ones for each request; the prices are those of claude-sonnet-4-5. */
const usage = (requests: number, outputTokens: number): Usage => ({
  inputTokens: 120 * requests,
  outputTokens,
  cacheReadTokens: 30 * requests,
  cacheWriteTokens: 0,
  costUsd: (120 * requests * 3 + 30 * requests * 0.3 + outputTokens * 15) / 1_000_000,
})
const answer = (text: string | RegExp, outputTokens: number, requests = 1): Expected => ({
  final: true,
  text,
  stopReason: "end_turn",
  usage: usage(requests, outputTokens),
})
/** Claude refused to start: nothing on standard output. */
const nothing: Expected = { final: false, session: false }
const apiError = (error: RegExp, retries: ReadonlyArray<RegExp> = []): Expected => ({
  final: true,
  stopReason: "stop_sequence",
  error,
  milestones: retries,
})
const retries = (reason: string, count: number) =>
  Array.from(
    { length: count },
    (_, index) => new RegExp(`^retrying: ${reason} \\(attempt ${index + 1} of ${count}\\)$`),
  )
const command = (text: string): readonly [string, string] => ["Bash", JSON.stringify({ command: text })]
const denied = (tool: string) => [new RegExp(`^permission denied: ${tool}$`)]
const killedInTool = (n: number): Expected => ({
  final: false,
  text: "calling tool",
  tools: [command(`tail -f /dev/null --pid=1 -n ${n}`)],
})
const interruptedStream: Expected = {
  final: true,
  text: "ECHO: [sleep 30] hello world, th",
  error: /^error_during_execution: interrupted \(aborted_streaming\)$/,
  usage: usage(1, 8),
}

const cases: Record<string, Expected> = {
  "bad-option": nothing,
  bare: answer("ECHO: hello", 4),
  "dash-prompt": nothing,
  "dash-prompt-dashdash": answer("ECHO: -starts with a dash", 7),
  // An empty answer is an answer.
  "empty-answer": answer("", 2, 2),
  "error-401": apiError(/^API error 401: Invalid API key/),
  "error-401-default-retry": apiError(
    /^API error 401: Invalid API key/,
    retries("401 authentication_failed", 10),
  ),
  "error-529": apiError(/^API Error: 529 Overloaded/, retries("529 overloaded", 2)),
  "error-529-default-retry": apiError(/^API Error: 529 Overloaded/, retries("529 overloaded", 10)),
  "json-schema": {
    ...answer('{"answer":42}', 4),
    stopReason: "tool_use",
    tools: [["StructuredOutput", '{"answer":42}']],
  },
  "json-schema-ignored": answer(/^ECHO: \[structured-output-enforce\]/, 36, 2),
  "json-schema-invalid": {
    ...answer(/^ECHO: \[structured-output-enforce\]/, 45, 3),
    tools: [["StructuredOutput", '{"answer":"not a number"}']],
  },
  long: answer(/^00000001 [^]*\n00001024 abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQ\n?$/, 16_129),
  "max-budget": {
    final: true,
    text: "calling tool",
    stopReason: "tool_use",
    error: /^error_max_budget_usd: Reached maximum budget \(\$0\.0001\)$/,
    tools: [command("echo one")],
    usage: usage(1, 9),
  },
  "max-turns": {
    final: true,
    text: "calling tool",
    stopReason: "tool_use",
    error: /^error_max_turns: Reached maximum number of turns \(1\)$/,
    tools: [command("echo one")],
    usage: usage(1, 9),
  },
  "no-auth": apiError(/^Not logged in/),
  "no-prompt": nothing,
  "no-session-persistence": answer("ECHO: hello", 4),
  "no-tools": answer("ECHO: [tool:bash echo hi]", 7),
  "output-json": answer("ECHO: hello world", 5),
  "output-json-error-401": apiError(/401/),
  // Not the dialect: plain text.
  "output-text": nothing,
  "partial-messages": answer("ECHO: hello world", 5),
  "permission-bypass-root": nothing,
  "permission-bypass-sandbox": {
    ...answer(/TOOL RESULT 1: allowed\.txt/, 52, 2),
    tools: [command("touch allowed.txt; ls")],
  },
  "permission-denied": {
    ...answer(/TOOL RESULT 1: touch in .* needs approval/, 118, 2),
    tools: [command("touch denied.txt")],
    milestones: denied("Bash"),
  },
  "permission-mode-acceptedits": {
    ...answer(/TOOL RESULT 1: Claude requested permissions/, 85, 2),
    tools: [["Write", '{"file_path":"/scrubbed-none/x.txt","content":"hi"}']],
    milestones: denied("Write"),
  },
  "permission-mode-dontask": {
    ...answer(/TOOL RESULT 1: Permission to use Bash has been denied/, 228, 2),
    tools: [command("touch denied.txt")],
    milestones: denied("Bash"),
  },
  "permission-mode-plan": {
    ...answer(/TOOL RESULT 1: touch in .* needs approval/, 120, 2),
    tools: [command("touch denied.txt")],
    milestones: denied("Bash"),
  },
  plain: answer("ECHO: hello world", 5),
  "server-down": apiError(/ECONNREFUSED/, retries("unknown", 1)),
  "session-id": answer("ECHO: remember the word alpha", 8),
  "session-id-reused": nothing,
  "session-new": answer("ECHO: remember the word alpha", 8),
  // Its totals also count the turn before.
  "session-resume": answer("ECHO: what was the word?", 7),
  "session-unknown": { final: true, error: /^error_during_execution: No conversation found with session ID/ },
  "sigint-stream": interruptedStream,
  "sigint-stream-partial": interruptedStream,
  // Exit code 0, and yet no success.
  "sigint-tool": {
    ...killedInTool(62),
    final: true,
    stopReason: "tool_use",
    error: /^error_during_execution: interrupted \(aborted_tools\)$/,
    usage: usage(1, 15),
  },
  "sigkill-group-tool": killedInTool(64),
  "sigkill-stream": { final: false },
  "sigkill-tool": killedInTool(63),
  "sigterm-group-tool": killedInTool(65),
  "sigterm-stream": { final: false },
  "sigterm-stream-partial": { final: false },
  "sigterm-tool": killedInTool(61),
  "stdin-open": answer("ECHO: hello", 4),
  "stdin-prompt": answer("ECHO: prompt from stdin", 7),
  "stdin-stream-bad-json": nothing,
  "stdin-stream-eof-midstream": answer("ECHO: [sleep 3] hello world, this is a long enough text", 15),
  "stdin-stream-interrupt": interruptedStream,
  "stdin-stream-permission-allow": {
    ...answer(/TOOL RESULT 1: x\.txt/, 47, 2),
    tools: [command("touch x.txt; ls")],
  },
  "stdin-stream-permission-deny": {
    ...answer(/TOOL RESULT 1: denied by the host/, 51, 2),
    tools: [command("touch x.txt; ls")],
  },
  // Two results: the last one is the answer, and counts both turns.
  "stdin-stream-two-turns": answer("ECHO: second", 8, 2),
  "stdout-closed": { final: false },
  // claude asks for the rest by itself and ends normally.
  "stop-length": answer(/^ECHO: Output token limit hit/, 55, 2),
  "stream-json-without-verbose": nothing,
  "system-append": answer("ECHO: hello", 4),
  "system-replace": answer("ECHO: hello", 4),
  thinking: answer("ECHO: [think let me see] hello", 8),
  tool: { ...answer(/\nTOOL RESULT 1: hi-from-tool\n/, 52, 2), tools: [command("echo hi-from-tool")] },
  "tool-fails": {
    ...answer(/\nTOOL RESULT 1: Exit code 3\noops\n/, 55, 2),
    tools: [command("echo oops >&2; exit 3")],
  },
  "tools-allowlist": answer("ECHO: hello", 4),
  "unknown-model-api": apiError(/^API error 404: There's an issue with the selected model/),
  "unknown-model-cli": { ...answer("ECHO: hello", 4), usage: { ...usage(1, 4), costUsd: 0.000566 } },
}

describe("claude decodes its recordings", () => {
  test("every recording has its expectation", () => {
    expect(Object.keys(cases).toSorted()).toEqual([...casesOf("claude")])
  })
  for (const [name, expected] of Object.entries(cases)) {
    test(name, () => expectCase(claudeCodec(), recording("claude", name), /"session_id":"([^"]+)"/, expected))
  }
})
