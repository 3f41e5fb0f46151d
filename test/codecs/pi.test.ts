import { describe, expect, test } from "bun:test"
import { piCodec } from "../../src/codecs/pi.codec.ts"
import { encoded, refusal, spawnInput } from "./calls.ts"
import { decodeLines, exited, linesOf, recording } from "./recorded.ts"

describe("pi decodes", () => {
  const line = (type: string, fields: object = {}) => JSON.stringify({ type, ...fields })
  const message = (phase: "start" | "end", stopReason: string, text = "", fields: object = {}) =>
    line(`message_${phase}`, {
      message: { role: "assistant", content: [{ type: "text", text }], stopReason, ...fields },
    })
  const decode = (...lines: ReadonlyArray<string>) => decodeLines(piCodec(), lines).outcome

  describe("an older pi, which does not settle", () => {
    const started = [line("session", { id: "s" }), line("agent_start"), message("start", "stop")]
    const answered = message("end", "stop", "done")
    const end = line("agent_end", { messages: [] })

    test("ends with agent_end after a message that asks for no tool", () => {
      expect(decode(...started, answered, end)).toEqual({
        final: true,
        text: "done",
        sessionRef: "s",
        stopReason: "stop",
      })
      expect(decode(...started, answered).final).toBe(false)
      expect(decode(...started, message("end", "toolUse", "hm"), end).final).toBe(false)
      expect(decode(...started, end).errorMessage).toBe("the end of the agent's last message is missing")
      expect(decode(end).final).toBe(false)
    })
    test("has not ended while it tries again", () => {
      const failed = message("end", "error", "", { errorMessage: "529" })
      expect(decode(...started, failed, end)).toMatchObject({ final: true, errorMessage: "529" })
      expect(decode(...started, failed, end, line("auto_retry_start", { attempt: 1 })).final).toBe(false)
      const recovered = decode(...started, failed, end, line("agent_start"), answered, end)
      expect(recovered).toEqual({ final: true, text: "done", sessionRef: "s", stopReason: "stop" })
    })
  })

  test("a pi that settles has not ended before it settles", () => {
    const lines = linesOf(recording("pi-1.5", "plain").stdout)
    expect(lines.at(-1)).toStartWith('{"type":"agent_settled"')
    expect(decode(...lines).final).toBe(true)
    expect(decode(...lines.slice(0, -1)).final).toBe(false)
  })
  test("a message whose end was too long to read is not an answer", () => {
    const lines = linesOf(recording("pi-1.5", "tool").stdout)
    const answer = lines.findLastIndex((text) => text.startsWith('{"type":"message_end"'))
    const without = lines.toSpliced(answer, 1)
    const { outcome } = decodeLines(piCodec(), without, { ...exited, overlongLines: 1 })
    expect(outcome.errorMessage).toMatch(/^mill dropped 1 line/)
  })
  test("an insignificant line may be too long", () => {
    const lines = linesOf(recording("pi-1.5", "tool").stdout).filter(
      (text) => !text.startsWith('{"type":"agent_end"'),
    )
    const { outcome } = decodeLines(piCodec(), lines, { ...exited, overlongLines: 1 })
    expect(outcome).toMatchObject({ final: true, stopReason: "stop" })
    expect(outcome.errorMessage).toBeUndefined()
  })
  test("a failed message keeps the text before it", () => {
    const lines = [message("end", "toolUse", "so far"), message("end", "aborted"), line("agent_settled")]
    expect(decode(...lines)).toEqual({
      final: true,
      text: "so far",
      stopReason: "aborted",
      errorMessage: "the turn ended with aborted",
    })
  })
  test("a message with an error has failed, whatever its stop reason", () => {
    const failed = message("end", "refused", "", { errorMessage: "not allowed" })
    expect(decode(failed, line("agent_settled")).errorMessage).toBe("not allowed")
  })
  test("counts too large to be true are unknown", () => {
    const huge = message("end", "stop", "", { usage: { input: 1e308, output: 1 } })
    expect(decode(huge, huge).usage).toBeUndefined()
  })
  test("a run that was aborted between two messages has failed", () => {
    const settled = line("agent_settled", { aborted: true })
    expect(decode(message("end", "toolUse", "so far"), settled).errorMessage).toBe("pi aborted its run")
  })
  test("a cost that one request does not report is unknown for all", () => {
    const spent = (cost: object) => message("end", "stop", "", { usage: { input: 1, output: 2, ...cost } })
    const known = { cost: { total: 0.5 } }
    expect(decode(spent(known), spent(known)).usage).toEqual({ inputTokens: 2, outputTokens: 4, costUsd: 1 })
    expect(decode(spent(known), spent({}), spent(known)).usage).toEqual({ inputTokens: 3, outputTokens: 6 })
  })
})

describe("pi encodes", () => {
  const file = "/scratch/spawn_1/system-prompt.txt"

  test("the prompt on stdin, the system prompt in a file, provider and model apart", () => {
    expect(encoded(piCodec(), { model: "openrouter/z-ai/glm-5" })).toEqual({
      args: [
        "--mode",
        "json",
        "-p",
        "--system-prompt",
        file,
        "--provider",
        "openrouter",
        "--model",
        "z-ai/glm-5",
      ],
      stdin: spawnInput.prompt,
      files: { [file]: spawnInput.systemPrompt },
    })
    expect(encoded(piCodec(), { model: "glm-5" }).args.slice(-2)).toEqual(
      [file, "--model", "glm-5"].slice(-2),
    )
    expect(encoded(piCodec(), { model: "glm-5" }).args).not.toContain("--provider")
  })
  test("options", () => {
    expect(encoded(piCodec({ systemPrompt: "append" })).args).toContain("--append-system-prompt")
    expect(encoded(piCodec({ tools: [] })).args.at(-1)).toBe("--no-tools")
    expect(encoded(piCodec({ tools: ["read", "bash"] })).args.slice(-2)).toEqual(["--tools", "read,bash"])
  })
  test("a model without a provider or a name is refused", () => {
    expect(refusal(piCodec(), { model: "/glm-5" })).toMatch(
      /^model: "\/glm-5" is not in the format provider\/model-id$/,
    )
    expect(refusal(piCodec(), { model: "openrouter/" })).toMatch(/^model: /)
  })
  test("blank prompts are refused", () => {
    expect(refusal(piCodec(), { prompt: "\n" })).toMatch(/^prompt: must not be blank/)
    expect(refusal(piCodec(), { systemPrompt: " " })).toMatch(/^systemPrompt: must not be blank/)
  })
})
