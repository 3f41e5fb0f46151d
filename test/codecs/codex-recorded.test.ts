import { describe, expect, test } from "bun:test"
import { codexCodec } from "../../src/codecs/codex.codec.ts"
import type { Usage } from "../../src/domain/spawn.schema.ts"
import { casesOf, type Expected, expectCase, recording } from "./recorded.ts"

/** The server counts 120 input tokens and 30 cached ones for each request. codex reports no cost. */
const usage = (requests: number, outputTokens: number): Usage => ({
  inputTokens: 120 * requests,
  outputTokens,
  cacheReadTokens: 30 * requests,
  cacheWriteTokens: 0,
})
/** A warning that precedes every run with the server's model, good or bad. */
const warning = /^Model metadata for `[\w-]+` not found\. Defaulting/
const warned: Expected = { final: false, milestones: [warning] }
const answer = (text: string | RegExp, outputTokens: number, requests = 1): Expected => ({
  ...warned,
  final: true,
  text,
  usage: usage(requests, outputTokens),
})
/** codex refused to start or never began: nothing on standard output. */
const nothing: Expected = { final: false, session: false }
const failure = (error: RegExp, ...before: ReadonlyArray<RegExp>): Expected => ({
  final: true,
  error,
  milestones: [warning, ...before, error],
})
const shell = (command: string): readonly [string, string] => [
  "command_execution",
  `/bin/bash -lc '${command}'`,
]
const killedInTool = (n: number): Expected => ({
  ...warned,
  text: "calling tool",
  tools: [shell(`tail -f /dev/null --pid=1 -n ${n}`)],
})
const reconnecting = (of: number, status: string) =>
  Array.from(
    { length: of },
    (_, index) => new RegExp(`^Reconnecting\\.\\.\\. ${index + 1}/${of} \\(unexpected status ${status}`),
  )
const networkless = /^Reconnecting\.\.\. waiting for network \(Connection failed: error sending request\)$/

const cases: Record<string, Expected> = {
  "agents-md": answer("ECHO: hello", 4),
  "bad-config": nothing,
  "bad-option": nothing,
  "dash-prompt": nothing,
  "dash-prompt-dashdash": answer("ECHO: -starts with a dash", 7),
  // An empty answer is an answer.
  "empty-answer": answer("", 1),
  ephemeral: answer("ECHO: hello", 4),
  "error-401": failure(/^unexpected status 401 Unauthorized: invalid x-api-key/, ...reconnecting(1, "401")),
  "error-529": failure(/^unexpected status 529 .*Overloaded/, ...reconnecting(1, "529")),
  "error-529-default-retry": failure(/^unexpected status 529 .*Overloaded/, ...reconnecting(4, "529")),
  "known-model-name": answer("ECHO: hello", 4),
  long: answer(/^00000001 [^]*\n00001024 abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQ\n?$/, 16_129),
  "native-plain": answer("ECHO: hello world", 5),
  "native-sigint-stream": warned,
  "native-sigint-tool": killedInTool(67),
  "native-sigkill-tool": killedInTool(65),
  "native-sigterm-stream": warned,
  "native-sigterm-tool": killedInTool(66),
  "no-auth": failure(/^Missing environment variable: `FAKE_API_KEY`\.$/),
  "no-prompt": nothing,
  "no-shell-tool": answer(/^NO SHELL TOOL OFFERED/, 41),
  "not-a-git-repo": nothing,
  "output-schema": answer('{"answer":42}', 4),
  "output-schema-ignored": answer("ECHO: just text", 5),
  // Not the dialect: plain text.
  "output-text": nothing,
  "output-text-error-401": nothing,
  plain: answer("ECHO: hello world", 5),
  // codex does not report a command that the sandbox stopped as an item.
  "sandbox-readonly": answer(/cannot touch 'x\.txt': Read-only file system/, 61, 2),
  "sandbox-readonly-ok": { ...answer(/Output:\nfine\n/, 48, 2), tools: [shell("echo fine")] },
  "sandbox-workspace-write": answer(/x\.txt\ntouch: cannot touch '\/scrubbed-none'/, 78, 2),
  // Without a network codex goes on for ever, and was killed. Four lines say the same; one milestone does.
  "server-down": { ...warned, milestones: [warning, networkless] },
  "session-new": answer("ECHO: remember the word alpha", 8),
  // A resumed thread is counted as a whole; mill resumes none.
  "session-resume": answer("ECHO: what was the word?", 15, 2),
  "session-resume-last": answer("ECHO: what was the word?", 22, 3),
  "session-unknown": nothing,
  "sigint-stream": warned,
  "sigint-tool": killedInTool(62),
  "sigkill-group-tool": killedInTool(64),
  "sigkill-stream": warned,
  "sigkill-tool": killedInTool(63),
  "sigterm-group-tool": killedInTool(68),
  "sigterm-stream": warned,
  "sigterm-tool": killedInTool(61),
  "stdin-open": nothing,
  "stdin-prompt": answer("ECHO: prompt from stdin", 7),
  "stdout-closed": { final: false },
  // Codex takes an answer that was cut short for a failure.
  "stop-length": {
    ...failure(/^Incomplete response returned, reason: max_output_tokens$/),
    text: "ECHO: [stop length] hello",
  },
  "system-append": answer("ECHO: hello", 4),
  "system-replace": answer("ECHO: hello", 4),
  thinking: answer("ECHO: [think let me see] hello", 8),
  "tmpdir-home": answer(/execvp codex-linux-sandbox/, 63, 2),
  tool: { ...answer(/Output:\nhi-from-tool\n/, 54, 2), tools: [shell("echo hi-from-tool")] },
  "tool-apply-patch": {
    ...answer(/Success\. Updated the following files:\nA new\.txt\n/, 89, 2),
    tools: [["file_change", '[{"path":"/scrubbed/work/new.txt","kind":"add"}]']],
  },
  "tool-fails": { ...answer(/exited with code 3/, 54, 2), tools: [shell("echo oops >&2; exit 3")] },
  "tool-plan": answer(/unsupported call: update_plan$/, 63, 2),
  "unknown-model-api": failure(/^The model `no-such-model` does not exist/),
}

describe("codex decodes its recordings", () => {
  test("every recording has its expectation", () => {
    expect(Object.keys(cases).toSorted()).toEqual([...casesOf("codex")])
  })
  for (const [name, expected] of Object.entries(cases)) {
    test(name, () => expectCase(codexCodec(), recording("codex", name), /"thread_id":"([^"]+)"/, expected))
  }
})
