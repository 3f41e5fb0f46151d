/** Encoded calls, and values that break careless encoders. */
import { expect } from "bun:test"
import { Result } from "effect"
import type { AgentCall, Codec, SpawnInput } from "../../src/domain/driver.schema.ts"

export const spawnInput: SpawnInput = {
  agent: "scout",
  systemPrompt: "You are careful.",
  prompt: "Look around.",
  model: "some-model",
  scratchDir: "/scratch/spawn_1",
}

export const encode = (codec: Codec, fields: Partial<SpawnInput> = {}) =>
  codec.encodeSpawn({ ...spawnInput, ...fields })

/** The encoded call. Fails the test if the spawn is refused. */
export const encoded = (codec: Codec, fields: Partial<SpawnInput> = {}): AgentCall =>
  Result.getOrThrow(encode(codec, fields))

/** The reason of a refusal. Fails the test if the codec does not refuse the spawn. */
export const refusal = (codec: Codec, fields: Partial<SpawnInput> = {}): string | undefined => {
  const refused = Result.getOrUndefined(Result.flip(encode(codec, fields)))
  expect(refused?._tag).toBe("SpawnRefused")
  expect(refused?.cause).toBe("codec")
  return refused?.message
}

/** The line on claude's standard input. claude looks for commands and mentions only in the last text, which is empty. */
export const claudeMessage = (prompt: string): string => {
  const content = [
    { type: "text", text: prompt },
    { type: "text", text: "" },
  ]
  return `${JSON.stringify({ type: "user", message: { role: "user", content } })}\n`
}

/** Texts that must arrive unchanged. */
export const trickyTexts: Record<string, string> = {
  "a leading dash": "--help",
  "one dash": "-",
  newlines: "one\ntwo\r\nthree\n",
  quotes: `"double" 'single' \`back\` \\ $(id) $HOME """ '''`,
  "a command": "/help",
  "a shell escape": "!ls",
  "a file": "@README.md",
  "placeholders of templates": "{prompt} {{model}} {systemPrompt",
  emoji: "👩‍💻🚀 漢字 e\u0301",
  "line separators": "a\u2028b\u2029c\u0085d",
  "control characters": "tab\t escape \u001b[31m delete \u007f bell \u0007",
  "a NUL": "before\0after",
  "a megabyte": "0123456789abcdef".repeat(65_536),
}

export const loneSurrogates: Record<string, string> = {
  "half of a pair": "a\ud83db",
  "the other half": "\udc69",
}
