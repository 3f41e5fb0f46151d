import { describe, expect, test } from "bun:test"
import { maxAnswerLength } from "../../src/codecs/line.codec.ts"
import { textCodec } from "../../src/codecs/text.codec.ts"
import { encoded, refusal, trickyTexts } from "./calls.ts"
import { decodeLines, exited, linesOf } from "./recorded.ts"

const decode = (output: string) => decodeLines(textCodec(), linesOf(output))

describe("text decodes", () => {
  test("the whole standard output without the last line feed", () => {
    expect(decode("one\ntwo\n")).toEqual({ events: [], outcome: { final: true, text: "one\ntwo" } })
    expect(decode("one").outcome.text).toBe("one")
    expect(decode("\n\n one\n\n").outcome.text).toBe("\n\n one\n")
    expect(decode("").outcome).toEqual({ final: true, text: "" })
  })
  test("an exit with any code is the end; a signal is not", () => {
    expect(decodeLines(textCodec(), ["x"], { code: 3, overlongLines: 0 }).outcome.final).toBe(true)
    expect(decodeLines(textCodec(), ["x"], { signal: "SIGKILL", overlongLines: 0 }).outcome).toEqual({
      final: false,
      text: "x",
    })
  })
  test("an answer with a dropped line is not a success", () => {
    const { outcome } = decodeLines(textCodec(), ["x"], { ...exited, overlongLines: 2 })
    expect(outcome.errorMessage).toMatch(/^mill dropped 2 line/)
  })
  test("a long answer is kept whole, and an endless one is cut", () => {
    const many = Array.from({ length: 300_000 }, (_, index) => `line ${index}`)
    expect(decodeLines(textCodec(), many).outcome).toEqual({ final: true, text: many.join("\n") })
    const line = "x".repeat(maxAnswerLength / 2)
    expect(decodeLines(textCodec(), [line, line.slice(1)]).outcome.errorMessage).toBeUndefined()
    const { outcome } = decodeLines(textCodec(), [line, line])
    expect(outcome.text).toHaveLength(maxAnswerLength)
    expect(outcome.errorMessage).toMatch(/longer than \d+ characters/)
  })
})

describe("text of a command that fails", () => {
  const decode = (exit: { code?: number; signal?: string }) =>
    decodeLines(textCodec(), ["API Error: 529"], { ...exit, overlongLines: 0 }).outcome

  test("is not an answer, but may explain the failure", () => {
    expect(decode({ code: 1 })).toEqual({ final: true, text: "", complaint: "API Error: 529" })
  })
  test("is a part of the answer if the command was killed", () => {
    expect(decode({ signal: "SIGTERM" })).toEqual({ final: false, text: "API Error: 529" })
    expect(decode({ code: 143 })).toEqual({ final: true, text: "API Error: 529" })
  })
})

describe("text encodes", () => {
  const prompts = { systemPrompt: "WHO", prompt: "WHAT", model: "m", agent: "a" }

  test("both prompts on stdin by default", () => {
    expect(encoded(textCodec(), prompts)).toEqual({ args: [], stdin: "WHO\n\nWHAT" })
  })
  test("stdin has the prompts that no argument has", () => {
    expect(encoded(textCodec({ args: ["--system={systemPrompt}"] }), prompts)).toEqual({
      args: ["--system=WHO"],
      stdin: "WHAT",
    })
    expect(
      encoded(textCodec({ args: ["{agent}: {systemPrompt} / {prompt}", "-m{model}"] }), prompts),
    ).toEqual({
      args: ["a: WHO / WHAT", "-mm"],
    })
    expect(encoded(textCodec({ stdin: "" }), prompts)).toEqual({ args: [] })
    expect(encoded(textCodec({ stdin: "{prompt}" }), prompts).stdin).toBe("WHAT")
  })
  test("braces", () => {
    expect(encoded(textCodec({ args: ["{{{model}}}", "{{prompt}}", ""] }), prompts).args).toEqual([
      "{m}",
      "{prompt}",
      "",
    ])
  })
  test("an invalid template is reported, and every spawn is refused", () => {
    const bad: Record<string, RegExp> = {
      "{nothing}":
        /args\[1\]: unknown field \{nothing\}; available: \{agent\}, \{systemPrompt\}, \{prompt\}, \{model\}/,
      "{": /args\[1\]: unmatched \{; write \{\{/,
      "a } b": /args\[1\]: unmatched \}; write \}\}/,
      "{prompt": /unmatched \{/,
      "{}": /unknown field \{\}/,
      '{"prompt":"{prompt}"}': /unmatched \{/,
    }
    for (const [template, reason] of Object.entries(bad)) {
      const codec = textCodec({ args: ["fine", template] })
      expect(codec.problem).toMatch(reason)
      expect(refusal(codec)).toBe(codec.problem)
    }
    expect(textCodec({ stdin: "{x}" }).problem).toMatch(/stdin: unknown field \{x\}/)
    expect(textCodec().problem).toBeUndefined()
  })
  test("a value is never read as a template", () => {
    const values = {
      systemPrompt: "{prompt} {{model}}",
      prompt: "{systemPrompt",
      model: "{agent}",
      agent: "}",
    }
    expect(encoded(textCodec({ args: ["{model}{agent}"] }), values)).toEqual({
      args: ["{agent}}"],
      stdin: "{prompt} {{model}}\n\n{systemPrompt",
    })
  })
  test("a value cannot become a flag", () => {
    expect(refusal(textCodec({ args: ["--model", "{model}"] }), { model: "-x" })).toMatch(
      /^model: starts with a dash.*--flag=\{model\} in args\[1\]/,
    )
    expect(encoded(textCodec({ args: ["--model={model}"] }), { model: "-x" }).args).toEqual(["--model=-x"])
    expect(encoded(textCodec({ args: ["-{model}"] }), { model: "x" }).args).toEqual(["-x"])
  })
  test("text that an argument cannot hold is refused", () => {
    const byArgument = textCodec({ args: ["--prompt={prompt}"] })
    expect(refusal(byArgument, { prompt: "a\0b" })).toMatch(
      /^prompt: contains a NUL character.*pass it through stdin$/,
    )
    expect(refusal(byArgument, { prompt: "é".repeat(70_000) })).toMatch(
      /^prompt: too long .*\(140000 bytes.*through stdin$/,
    )
    const most = 131_071 - "--prompt=".length
    expect(encoded(byArgument, { prompt: "x".repeat(most) }).args[0]).toHaveLength(131_071)
    expect(refusal(byArgument, { prompt: "x".repeat(most + 1) })).toMatch(
      /^args\[0\]: too long .*\(131072 bytes/,
    )
  })
  for (const [name, text] of Object.entries(trickyTexts)) {
    test(`${name} arrives through stdin`, () => {
      expect(encoded(textCodec(), { systemPrompt: text, prompt: text }).stdin).toBe(`${text}\n\n${text}`)
    })
  }
})
