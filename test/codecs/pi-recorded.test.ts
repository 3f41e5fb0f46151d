import { describe, expect, test } from "bun:test"
import { piCodec } from "../../src/codecs/pi.codec.ts"
import type { Usage } from "../../src/domain/spawn.schema.ts"
import { casesOf, type Expected, expectCase, recording } from "./recorded.ts"

/** The server counts 120 tokens and 30 cached ones for each request; the recorder's model costs 1, 2 and 0.1 per million. */
const usage = (requests: number, outputTokens: number): Usage => ({
  inputTokens: 120 * requests,
  outputTokens,
  cacheReadTokens: 30 * requests,
  cacheWriteTokens: 0,
  costUsd: (120 * requests + 30 * requests * 0.1 + outputTokens * 2) / 1_000_000,
})
const answer = (text: string | RegExp, outputTokens: number, requests = 1): Expected => ({
  final: true,
  text,
  stopReason: "stop",
  usage: usage(requests, outputTokens),
})
/** pi refused to start or never began: nothing on standard output. */
const nothing: Expected = { final: false, session: false }
/** The exit code is still 0, and the usage is unknown. */
const apiError = (error: RegExp, milestones: ReadonlyArray<RegExp> = []): Expected => ({
  final: true,
  stopReason: "error",
  error,
  milestones,
})
const retries = (count: number, of: number) =>
  Array.from(
    { length: count },
    (_, index) => new RegExp(`^retrying: 529: .*Overloaded.* \\(attempt ${index + 1} of ${of}\\)$`),
  )
const bash = (command: string): readonly [string, string] => ["bash", JSON.stringify({ command })]
const killedInTool = (n: number): Expected => ({
  final: false,
  text: "calling tool",
  stopReason: "toolUse",
  tools: [bash(`sleep ${n}`)],
  usage: usage(1, 9),
})
/** `--mode rpc`, which mill does not use, prints the same events without a session. */
const rpc = (expected: Expected): Expected => ({ ...expected, session: false })
const tool = { ...answer(/\nTOOL RESULT 1: hi-from-tool\n$/, 30, 2), tools: [bash("echo hi-from-tool")] }

const cases087: Record<string, Expected> = {
  "error-401": apiError(/^401: .*authentication_error/),
  "error-529-recovers": { ...answer("ECHO: [error 529 x1] hello", 7), milestones: retries(1, 3) },
  plain: answer("ECHO: hello world", 5),
  tool,
}

const cases15: Record<string, Expected> = {
  "anthropic-api": { ...answer(/TOOL RESULT 1: hi\n$/, 22, 2), tools: [bash("echo hi")] },
  "bad-option": nothing,
  "dash-prompt": nothing,
  "dash-prompt-dashdash": answer("ECHO: -starts with a dash", 7),
  // An empty answer is an answer.
  "empty-answer": answer("", 1),
  "error-401": apiError(/^401: .*authentication_error/),
  "error-529": apiError(/^529: .*Overloaded/, retries(3, 3)),
  "error-529-default-retry": apiError(/^529: .*Overloaded/, retries(3, 3)),
  long: answer(/^00000001 [^]*\n00001024 abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQ\n$/, 16_129),
  "no-config": answer("ECHO: hello", 4),
  "no-session": answer("ECHO: hello", 4),
  "no-tools": answer("ECHO: [tool:bash echo hi]", 7),
  plain: answer("ECHO: hello world", 5),
  "responses-api": { ...answer(/TOOL RESULT 1: hi\n$/, 22, 2), tools: [bash("echo hi")] },
  "rpc-abort-stream": rpc({
    final: true,
    text: "ECHO: [sleep 30] hello world, th",
    stopReason: "aborted",
    error: /^Request was aborted$/,
  }),
  "rpc-abort-tool": rpc({
    ...killedInTool(64),
    final: true,
    stopReason: "aborted",
    error: /^This operation was aborted$/,
  }),
  "rpc-errors": rpc(apiError(/^401: /)),
  "rpc-plain": rpc(answer("ECHO: hello rpc", 5)),
  "rpc-sigkill-tool": rpc(killedInTool(68)),
  "rpc-sigterm-tool": rpc(killedInTool(67)),
  // Exit code 0, and no end: the stream stopped in the middle of the answer.
  "rpc-stdin-eof-midstream": nothing,
  "rpc-steer": rpc({ ...answer("ECHO: steered message", 18, 2), tools: [bash("sleep 1; echo done")] }),
  "server-down": apiError(/^Connection error/),
  "session-id": answer("ECHO: remember the word alpha", 8),
  "session-id-again": answer("ECHO: what was the word?", 7),
  "session-new": answer("ECHO: remember the word alpha", 8),
  "session-resume": answer("ECHO: what was the word?", 7),
  "session-unknown": nothing,
  "sighup-stream": { final: false },
  "sigint-stream": { final: false },
  "sigint-tool": killedInTool(65),
  "sigkill-group-tool": killedInTool(63),
  "sigkill-stream": { final: false },
  "sigkill-tool": killedInTool(62),
  "sigterm-group-tool": killedInTool(66),
  "sigterm-stream": { final: false },
  "sigterm-tool": killedInTool(61),
  "stdin-open": nothing,
  "stdin-prompt": answer("ECHO: prompt from stdin", 7),
  "stdout-closed": { final: false },
  // Cut short by the model's limit, and complete: the stop reason says so.
  "stop-length": { ...answer("ECHO: [stop length] hello", 7), stopReason: "length" },
  "system-append": answer("ECHO: hello", 4),
  "system-replace": answer("ECHO: hello", 4),
  "text-mode-error-401": nothing,
  // Not the dialect: plain text.
  "text-mode-plain": nothing,
  thinking: answer("ECHO: [think let me see] hello", 8),
  tool,
  "tool-fails": {
    ...answer(/\nTOOL RESULT 1: oops\n\n\nCommand exited with code 3$/, 37, 2),
    tools: [bash("echo oops >&2; exit 3")],
  },
  "tools-allowlist": answer("ECHO: hello", 4),
  "unknown-model-api": apiError(/^404: .*no-such-model/),
  "unknown-model-cli": answer("ECHO: hello", 4),
}

for (const [agent, cases] of Object.entries({ "pi-0.87": cases087, "pi-1.5": cases15 })) {
  describe(`${agent} decodes what was recorded`, () => {
    test("every recording has its expectation", () => {
      expect(Object.keys(cases).toSorted()).toEqual([...casesOf(agent)])
    })
    for (const [name, expected] of Object.entries(cases)) {
      test(name, () =>
        expectCase(piCodec(), recording(agent, name), /^\{"type":"session".*?"id":"([^"]+)"/, expected),
      )
    }
  })
}
