/** The call of Claude Code for a spawn: its flags, its input and its options. */
import { Result, Schema } from "effect"
import type { SpawnInput } from "../domain/driver.schema.ts"
import { checkCall, checkSession } from "./call.codec.ts"

/** Options of claude. Pass everything else in the driver's `args`. */
export const ClaudeOptions = Schema.Struct({
  /** The available built-in tools, for example `["Read", "Bash"]`; none if empty. Default: claude's own set. */
  tools: Schema.optional(Schema.Array(Schema.String)),
  /** Default: claude asks and, without an answer, refuses. `bypassPermissions` as root also needs `IS_SANDBOX=1`. */
  permissionMode: Schema.optional(
    Schema.Literals(["acceptEdits", "auto", "bypassPermissions", "dontAsk", "manual", "plan"]),
  ),
  /** Whether the system prompt replaces claude's own (the default) or is appended to it. */
  systemPrompt: Schema.optional(Schema.Literals(["append", "replace"])),
})
export type ClaudeOptions = typeof ClaudeOptions.Type

/** The input message. The empty text keeps claude from looking for commands and mentions in the prompt. */
const formatMessage = (prompt: string): string => {
  const content = [prompt, ""].map((text) => ({ type: "text", text }))
  return `${JSON.stringify({ type: "user", message: { role: "user", content } })}\n`
}

export const encodeSpawn = (options: ClaudeOptions) => (input: SpawnInput) =>
  Result.gen(function* () {
    const { file, model, prompt, systemPrompt } = yield* checkCall(input)
    const flag = options.systemPrompt === "append" ? "--append-system-prompt-file" : "--system-prompt-file"
    return {
      args: [
        "-p",
        "--input-format",
        "stream-json",
        "--output-format",
        "stream-json",
        "--verbose",
        ...(model === undefined ? [] : [`--model=${model}`]),
        `${flag}=${file}`,
        ...(input.sessionRef === undefined ? [] : [`--resume=${yield* checkSession(input.sessionRef)}`]),
        ...(options.tools === undefined ? [] : [`--tools=${options.tools.join(",")}`]),
        ...(options.permissionMode === undefined ? [] : [`--permission-mode=${options.permissionMode}`]),
      ],
      stdin: formatMessage(prompt),
      // 2.1.197 ignores this switch of newer versions.
      env: { CLAUDE_CODE_DISABLE_FILE_MENTIONS: "1" },
      files: { [file]: systemPrompt },
    }
  })
