/** Properties of all codecs for any input: they never fail, their events are well formed, and noise changes nothing. */
import { describe, expect, test } from "bun:test"
import { Arbitrary, Schema } from "effect"
import { acpCodec } from "../../src/codecs/acp.codec.ts"
import { claudeCodec } from "../../src/codecs/claude.codec.ts"
import { codexCodec } from "../../src/codecs/codex.codec.ts"
import { jsonlCodec } from "../../src/codecs/jsonl.codec.ts"
import { piCodec } from "../../src/codecs/pi.codec.ts"
import { textCodec } from "../../src/codecs/text.codec.ts"
import { AgentOutcome, type Codec } from "../../src/domain/driver.schema.ts"
import { integer, property } from "../support/property.ts"
import { type Decoded, decodeLines, exited, linesOf, recording } from "./recorded.ts"

type Dialect = {
  readonly codec: Codec
  /** Nothing is final without one of these words. */
  readonly terminal: RegExp
  /** Types and keys that mean something in it, for inputs that are nearly right. */
  readonly types: ReadonlyArray<string>
  readonly keys: ReadonlyArray<string>
  readonly recordings: ReadonlyArray<ReadonlyArray<string>>
}

const recorded = (agent: string, ...names: ReadonlyArray<string>) =>
  names.map((name) => linesOf(recording(agent, name).stdout))

const jsonlLines = [
  { type: "session", sessionRef: "s" },
  { type: "milestone", message: "m" },
  { type: "tool_call", toolName: "bash", input: { command: "ls" } },
  { type: "text", text: "x" },
  { type: "result", text: "y", stopReason: "stop", usage: { inputTokens: 1, outputTokens: 2 } },
].map((line) => JSON.stringify(line))

const dialects: Record<string, Dialect> = {
  claude: {
    codec: claudeCodec(),
    terminal: /result/,
    types: ["system", "assistant", "user", "result"],
    keys: [
      "subtype",
      "session_id",
      "message",
      "content",
      "is_error",
      "errors",
      "result",
      "usage",
      "modelUsage",
      "type",
    ],
    recordings: recorded("claude", "tool", "error-529", "max-turns", "permission-denied", "json-schema"),
  },
  codex: {
    codec: codexCodec(),
    terminal: /turn\.(completed|failed)/,
    types: [
      "thread.started",
      "turn.started",
      "item.started",
      "item.completed",
      "error",
      "turn.completed",
      "turn.failed",
    ],
    keys: [
      "thread_id",
      "item",
      "id",
      "type",
      "text",
      "message",
      "command",
      "error",
      "usage",
      "query",
      "changes",
    ],
    recordings: recorded("codex", "tool", "error-529", "tool-apply-patch", "stop-length"),
  },
  pi: {
    codec: piCodec(),
    terminal: /agent_(end|settled)/,
    types: [
      "session",
      "message_start",
      "message_end",
      "tool_execution_start",
      "auto_retry_start",
      "agent_end",
      "agent_settled",
    ],
    keys: [
      "id",
      "message",
      "role",
      "content",
      "stopReason",
      "errorMessage",
      "usage",
      "toolName",
      "args",
      "type",
    ],
    recordings: recorded("pi-0.87", "tool", "error-529-recovers"),
  },
  acp: {
    codec: acpCodec(),
    terminal: /stopReason/,
    types: ["agent_message_chunk", "tool_call", "plan"],
    keys: ["jsonrpc", "id", "method", "params", "result", "error", "update", "sessionId", "stopReason"],
    recordings: [
      ...recorded("acp-claude", "permission-denied", "error-529"),
      ...recorded("acp-codex", "tool", "error-529"),
      ...recorded("acp-pi", "tool"),
    ],
  },
  jsonl: {
    codec: jsonlCodec(),
    terminal: /result|error/,
    types: ["session", "milestone", "tool_call", "text", "result", "error"],
    keys: ["sessionRef", "message", "toolName", "input", "text", "stopReason", "usage", "type"],
    recordings: [jsonlLines],
  },
}

const isOutcome = Schema.is(AgentOutcome)

const wellFormed = ({ events, outcome }: Decoded): boolean =>
  isOutcome(outcome) &&
  outcome.errorMessage !== "" &&
  events.filter(({ _tag }) => _tag === "Session").length <= 1 &&
  events.every((event) => {
    if (event._tag === "Session") return event.sessionRef !== "" && event.sessionRef === outcome.sessionRef
    if (event._tag === "ToolCall") return event.toolName !== ""
    return event.message !== "" && !event.message.includes("\n") && event.message.length <= 600
  })

const text = Arbitrary.schema(Schema.String)
const json = Arbitrary.schema(Schema.Json)
const oneOf = <A>(values: ReadonlyArray<A>) =>
  Arbitrary.map(integer(0, values.length - 1), (index): A => {
    const value = values[index]
    if (value === undefined) throw new Error("out of range")
    return value
  })

/** A value with one of its parts replaced: the part that `at` leads to. */
const replaced = (value: unknown, at: ReadonlyArray<number>, by: unknown): unknown => {
  const [first, ...rest] = at
  if (first === undefined || typeof value !== "object" || value === null) return by
  const keys = Object.keys(value)
  const key = keys[first % Math.max(1, keys.length)]
  if (key === undefined) return by
  if (Array.isArray(value))
    return value.map((part, index) => (`${index}` === key ? replaced(part, rest, by) : part))
  return Object.fromEntries(
    Object.entries(value).map(([name, part]) => [name, name === key ? replaced(part, rest, by) : part]),
  )
}

for (const [name, { codec, keys, recordings, terminal, types }] of Object.entries(dialects)) {
  describe(name, () => {
    property("any text", Arbitrary.array(text, { maxLength: 8 }), (lines) => {
      const decoded = decodeLines(codec, lines)
      return wellFormed(decoded) && (!decoded.outcome.final || lines.some((line) => terminal.test(line)))
    })

    const object = Arbitrary.map(
      Arbitrary.array(Arbitrary.all([oneOf(keys), json] as const), { maxLength: 6 }),
      (entries) => Object.fromEntries(entries),
    )
    const line = Arbitrary.map(
      Arbitrary.all([oneOf(types), object, object, oneOf(keys), integer(0, 1)] as const),
      (parts) => {
        const [type, fields, inner, key, first] = parts
        const all = { ...fields, [key]: { ...inner, type: inner.type ?? "text" } }
        const { type: _, ...rest } = all
        // `type` first, as most lines have it, or last.
        return JSON.stringify(first === 1 ? { type, ...rest } : { ...rest, type })
      },
    )
    property("JSON that is nearly right", Arbitrary.array(line, { maxLength: 8 }), (lines) => {
      const decoded = decodeLines(codec, lines)
      return wellFormed(decoded) && (!decoded.outcome.final || lines.some((line) => terminal.test(line)))
    })

    const mutation = Arbitrary.all([
      integer(0, recordings.length - 1),
      integer(0, 1_000),
      Arbitrary.array(integer(0, 40), { maxLength: 5 }),
      json,
    ] as const)
    property("a recording with one part replaced", mutation, ([which, index, at, by]) => {
      const lines = recordings[which] ?? []
      const target = index % lines.length
      const changed = lines.map((line, n) =>
        n === target ? JSON.stringify(replaced(JSON.parse(line), at, by)) : line,
      )
      return wellFormed(decodeLines(codec, changed))
    })

    const loss = Arbitrary.all([
      integer(0, recordings.length - 1),
      integer(0, 1_000),
      integer(0, 1_000),
    ] as const)
    property("a recording without some of its lines", loss, ([which, from, count]) => {
      const lines = recordings[which] ?? []
      const left = lines.toSpliced(from % lines.length, count % lines.length)
      const decoded = decodeLines(codec, left, { ...exited, overlongLines: lines.length - left.length })
      return wellFormed(decoded) && (!decoded.outcome.final || left.some((line) => terminal.test(line)))
    })

    const noise = Arbitrary.all([integer(0, recordings.length - 1), integer(0, 1_000), text, json] as const)
    property("noise between the lines changes nothing", noise, ([which, index, prose, value]) => {
      const lines = recordings[which] ?? []
      const before = index % (lines.length + 1)
      const unknown = JSON.stringify({ type: "of_no_meaning", value })
      const noisy = lines.toSpliced(before, 0, `# ${prose}`, unknown, "", '{"type":', "[]")
      return Bun.deepEquals(decodeLines(codec, noisy), decodeLines(codec, lines))
    })
  })
}

// All codecs share the function that formats input. One is tested, since the engine is slow to give up.
test("a tool's input that JSON cannot encode is omitted", () => {
  const depth = 60_000
  const line = `{"type":"tool_call","toolName":"t","input":${"[".repeat(depth)}${"]".repeat(depth)}}`
  expect(decodeLines(jsonlCodec(), [line]).events).toMatchObject([{ _tag: "ToolCall", toolName: "t" }])
}, 120_000)

describe("text", () => {
  property("any lines are the answer", Arbitrary.array(text, { maxLength: 20 }), (lines) => {
    const decoded = decodeLines(textCodec(), lines)
    return wellFormed(decoded) && decoded.events.length === 0 && decoded.outcome.text === lines.join("\n")
  })
})
