import { describe, expect, test } from "bun:test"
import { claudeCodec } from "../../src/codecs/claude.codec.ts"
import { acpCodec } from "../../src/codecs/acp.codec.ts"
import { anthropicMessagesCodec } from "../../src/codecs/anthropic-messages.codec.ts"
import { chatCompletionsCodec } from "../../src/codecs/chat-completions.codec.ts"
import { codexCodec } from "../../src/codecs/codex.codec.ts"
import { jsonlCodec } from "../../src/codecs/jsonl.codec.ts"
import { piCodec } from "../../src/codecs/pi.codec.ts"
import { responsesCodec } from "../../src/codecs/responses.codec.ts"
import { textCodec } from "../../src/codecs/text.codec.ts"
import type { Codec } from "../../src/domain/driver.schema.ts"
import { claudeMessage, encoded, loneSurrogates, refusal, trickyTexts } from "./calls.ts"

const file = "/scratch/spawn_1/system-prompt.txt"

/** Codecs that pass the system prompt in a file. */
const byFile: Record<string, Codec> = {
  "claude, replacing": claudeCodec(),
  "claude, appending": claudeCodec({ systemPrompt: "append" }),
  "codex, replacing": codexCodec({ systemPrompt: "replace" }),
  "pi, replacing": piCodec(),
  "pi, appending": piCodec({ systemPrompt: "append" }),
}

for (const [agent, codec] of Object.entries(byFile)) {
  describe(agent, () => {
    for (const [name, text] of Object.entries(trickyTexts)) {
      test(`${name} arrives as prompt and system prompt, and is in no argument`, () => {
        const call = encoded(codec, { prompt: text, systemPrompt: text })
        expect(call.stdin).toBe(agent.startsWith("claude") ? claudeMessage(text) : text)
        expect(call.files).toEqual({ [file]: text })
        expect(call.args).toEqual(encoded(codec).args)
      })
    }
  })
}

describe("codex, appending", () => {
  for (const [name, text] of Object.entries(trickyTexts)) {
    if (name === "a megabyte") continue
    test(`${name} arrives as prompt and system prompt`, () => {
      const call = encoded(codexCodec(), { prompt: text, systemPrompt: text })
      expect(call.stdin).toBe(text)
      const given = call.args.find((argument) => argument.startsWith("developer_instructions="))
      const value = given?.slice("developer_instructions=".length) ?? ""
      // No character that TOML forbids in a basic string; what JSON escapes, TOML reads alike.
      // oxlint-disable-next-line no-control-regex
      expect(value).not.toMatch(/[\u0000-\u001f\u007f]/)
      expect(JSON.parse(value)).toBe(text)
      expect(Bun.TOML.parse(`x = ${value}`)).toEqual({ x: text })
    })
  }
})

describe("text that UTF-8 cannot encode is refused by field", () => {
  const codecs = {
    ...byFile,
    codex: codexCodec(),
    text: textCodec(),
    "text with arguments": textCodec({ args: ["--s={systemPrompt}", "--p={prompt}"] }),
  }
  for (const [agent, codec] of Object.entries(codecs)) {
    for (const [name, text] of Object.entries(loneSurrogates)) {
      test(`${agent}: ${name}`, () => {
        expect(refusal(codec, { prompt: text })).toMatch(/^prompt: contains an unpaired surrogate/)
        expect(refusal(codec, { systemPrompt: text })).toMatch(
          /^systemPrompt: contains an unpaired surrogate/,
        )
      })
    }
  }
})

describe("a model is one argument", () => {
  for (const [agent, codec] of Object.entries({ ...byFile, codex: codexCodec() })) {
    test(agent, () => {
      expect(refusal(codec, { model: "a\0b" })).toMatch(/^model: contains a NUL character/)
      expect(refusal(codec, { model: "m".repeat(131_072) })).toMatch(/^model: too long .*\(131072 bytes/)
      for (const text of ["--help", "a b", "a\nb", '"; $(id)', "漢字"]) {
        const { args } = encoded(codec, { model: text })
        expect(args.filter((argument) => argument.endsWith(text))).toHaveLength(1)
      }
    })
  }
})

describe("a session to resume", () => {
  const sessionRef = "01a1f8d9-39de-72e3-97b3-3c0366b1e63c"
  const flags: ReadonlyArray<readonly [Codec, ReadonlyArray<string>]> = [
    [claudeCodec(), [`--resume=${sessionRef}`]],
    [codexCodec(), ["resume", sessionRef, "-"]],
    [piCodec({ tools: [] }), ["--session", sessionRef, "--no-tools"]],
  ]
  for (const [codec, expected] of flags) {
    test(`is an argument of ${codec.name}, and nothing else can be`, () => {
      expect(codec.resumes).toBe(true)
      expect(encoded(codec, { sessionRef }).args.join(" ")).toEndWith(expected.join(" "))
      for (const odd of [
        "-",
        "--dangerously-skip-permissions",
        "../x",
        "/etc/passwd",
        "x.jsonl",
        "a b",
        "a\0b",
        ".",
      ]) {
        expect(refusal(codec, { sessionRef: odd })).toMatch(/^sessionRef: .* is not a valid session name$/)
      }
    })
  }
  test("is a field of jsonl, and unknown to text", () => {
    expect(JSON.parse(encoded(jsonlCodec(), { sessionRef }).stdin ?? "")).toMatchObject({ sessionRef })
    expect(Object.keys(JSON.parse(encoded(jsonlCodec()).stdin ?? ""))).not.toContain("sessionRef")
    expect(textCodec().resumes).toBe(false)
  })
})

describe("options that were not type-checked", () => {
  const unchecked = (options: object): object => options
  test("are refused with their name, and no factory fails", () => {
    expect(claudeCodec(unchecked({ tool: ["Read"] })).problem).toBe(
      "claudeCodec: unknown key tool; did you mean tools?",
    )
    expect(claudeCodec(unchecked({ permissionMode: "yolo" })).problem).toMatch(
      /^claudeCodec: permissionMode is "yolo"; expected .*"plan"/,
    )
    expect(codexCodec(unchecked({ sandbox: true })).problem).toMatch(/^codexCodec: sandbox is true; expected/)
    expect(piCodec(unchecked({ tools: "read" })).problem).toMatch(
      /^piCodec: tools is "read"; expected an array/,
    )
    expect(textCodec(unchecked({ args: "-p" })).problem).toMatch(
      /^textCodec: args is "-p"; expected an array/,
    )
    expect(acpCodec(unchecked({ permissions: "yes" })).problem).toMatch(
      /^acpCodec: permissions is "yes"; expected/,
    )
    const codec = piCodec(unchecked({ tools: "read" }))
    expect(refusal(codec)).toBe(codec.problem)
  })
})

test("every codec has a name and a format of model names", () => {
  const codecs = [acpCodec(), claudeCodec(), codexCodec(), jsonlCodec(), piCodec(), textCodec()]
  expect(codecs.map(({ name }) => name)).toEqual(["acp", "claude", "codex", "jsonl", "pi", "text"])
  for (const { modelFormat, problem } of codecs) {
    expect(modelFormat).not.toBe("")
    expect(problem).toBeUndefined()
  }
})

describe("options that are not options", () => {
  const { proxy: revoked, revoke } = Proxy.revocable({}, {})
  revoke()
  const throwing = Object.defineProperty({}, "models", {
    enumerable: true,
    get: () => {
      throw new Error("no")
    },
  })
  const factories: Readonly<Record<string, (options: never) => { readonly problem?: string | undefined }>> = {
    acpCodec,
    anthropicMessagesCodec,
    chatCompletionsCodec,
    claudeCodec,
    codexCodec,
    piCodec,
    responsesCodec,
    textCodec,
  }
  for (const [name, factory] of Object.entries(factories)) {
    test(`${name} does not throw, and describes the problem`, () => {
      const findProblem = (options: unknown) => factory(options as never).problem
      expect(findProblem(null)).toBe(`${name}: the argument is null; expected an object`)
      expect(findProblem(revoked)).toBe(
        `${name}: the argument cannot be read: accessing its properties throws an error`,
      )
      expect(findProblem(throwing)).toMatch(`${name}: `)
    })
  }

  test("a field of a body that is not JSON is described", () => {
    const options = { body: { seed: NaN } }
    expect(chatCompletionsCodec(options).problem).toBe(
      "chatCompletionsCodec: body.seed is NaN; expected a JSON value",
    )
  })
})
