/**
 * Claude Code, headless: `claude -p --output-format stream-json --verbose` (@anthropic-ai/claude-code 2.1.329).
 *
 * The system prompt is passed in a file, the prompt on standard input, the model, if there is one, as `--model=`. The codec adds all flags
 * that the dialect needs, after the driver's `args`.
 *
 * Lines: `system/init` (`session_id`, `model`), `system/api_retry`, `system/permission_denied`, `system/compact_boundary`,
 * `assistant` (one per content block) and, at the end, `result`, whose `type` is not its first key. A failed API call is a
 * `result` with `subtype: "success"` and `is_error: true`; an interrupted turn exits with 0.
 *
 * A prompt is plain text. With mentions of files (`@notes.md`), claude would read the file wherever it is and whatever
 * tools are allowed, so the codec disables them.
 *
 * `--resume=` resumes a session, which keeps its id, its first system prompt and, without `--model=`, its model. claude trims white space from the end of
 * the system prompt. It exits with 0 when it may not use a tool: `permissionMode` and `--allowedTools` let an unattended
 * claude write.
 */
import { Option, Result, Schema } from "effect"
import {
  type AgentExit,
  type AgentOutcome,
  type Codec,
  defineBuiltInCodec,
  type SpawnInput,
} from "../domain/driver.schema.ts"
import { checkCall, checkSession, makeSpawnEncoder } from "./call.codec.ts"
import {
  readResultAnswer,
  decodeResult,
  readResultError,
  type ResultLine,
  readResultUsage,
} from "./claude-result.codec.ts"
import {
  foldTypedLines,
  applyDecoded,
  ifValid,
  makeMilestone,
  formatRetry,
  readTexts,
  type Step,
  makeToolCall,
  keepErrorUnlessKilled,
  recordSession,
} from "./line.codec.ts"

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

const encodeSpawn = (options: ClaudeOptions) => (input: SpawnInput) =>
  Result.gen(function* () {
    const { file, model, prompt, systemPrompt } = yield* checkCall(input)
    const flag = options.systemPrompt === "append" ? "--append-system-prompt-file" : "--system-prompt-file"
    return {
      args: [
        "-p",
        "--output-format",
        "stream-json",
        "--verbose",
        ...(model === undefined ? [] : [`--model=${model}`]),
        `${flag}=${file}`,
        ...(input.sessionRef === undefined ? [] : [`--resume=${yield* checkSession(input.sessionRef)}`]),
        ...(options.tools === undefined ? [] : [`--tools=${options.tools.join(",")}`]),
        ...(options.permissionMode === undefined ? [] : [`--permission-mode=${options.permissionMode}`]),
      ],
      // claude would execute a prompt that starts with a command such as /help or /clear.
      stdin: prompt.startsWith("/") ? `\n${prompt}` : prompt,
      env: { CLAUDE_CODE_DISABLE_FILE_MENTIONS: "1" },
      files: { [file]: systemPrompt },
    }
  })

const SystemLine = Schema.Struct({
  subtype: ifValid(Schema.String),
  session_id: ifValid(Schema.NonEmptyString),
  model: ifValid(Schema.NonEmptyString),
  attempt: ifValid(Schema.Finite),
  max_retries: ifValid(Schema.Finite),
  error_status: ifValid(Schema.Finite),
  error: ifValid(Schema.String),
  tool_name: ifValid(Schema.String),
})

const AssistantLine = Schema.Struct({
  message: Schema.Struct({ content: Schema.Array(Schema.Unknown) }),
  /** The tool call whose subagent speaks; null for claude itself. */
  parent_tool_use_id: Schema.optional(Schema.Unknown),
  /** Set for claude's own message about a failed API call. */
  is_api_error_message: Schema.optional(Schema.Unknown),
})

const decodeSystem = Schema.decodeUnknownOption(SystemLine)
const decodeAssistant = Schema.decodeUnknownOption(AssistantLine)
const decodeTool = Schema.decodeUnknownOption(
  Schema.Struct({
    type: Schema.Literals(["tool_use", "server_tool_use", "mcp_tool_use"]),
    name: Schema.NonEmptyString,
    input: Schema.optional(Schema.Unknown),
  }),
)

type State = {
  readonly sessionRef?: string | undefined
  readonly model?: string | undefined
  /** claude's last message. */
  readonly text: string
  /** claude's last message about a failed API call, if nothing has followed it. */
  readonly apiError?: string | undefined
  readonly result?: ResultLine | undefined
}

const wanted: ReadonlySet<string> = new Set(["system", "assistant", "result"])

const decodeEvent = foldTypedLines<State>(wanted, (state, { type, value }) => {
  switch (type) {
    case "system":
      return applyDecoded(state, decodeSystem(value), (system) => onSystem(state, system))
    case "assistant":
      return applyDecoded(state, decodeAssistant(value), (assistant) => onAssistant(state, assistant))
    default:
      return applyDecoded(state, decodeResult(value), (result) =>
        recordSession({ ...state, result }, result.session_id),
      )
  }
})

const onSystem = (state: State, line: typeof SystemLine.Type): Step<State> => {
  switch (line.subtype) {
    case "init":
      return recordSession({ ...state, model: line.model ?? state.model }, line.session_id)
    case "api_retry": {
      const reason = [line.error_status, line.error].filter((part) => part !== undefined).join(" ")
      return [state, makeMilestone(formatRetry(reason, line.attempt, line.max_retries))]
    }
    case "permission_denied":
      return [state, makeMilestone(`permission denied: ${line.tool_name ?? "a tool"}`)]
    case "compact_boundary":
      return [state, makeMilestone("conversation compacted")]
    default:
      return [state, []]
  }
}

const onAssistant = (state: State, line: typeof AssistantLine.Type): Step<State> => {
  const { content } = line.message
  const calls = content.flatMap((block) =>
    Option.toArray(Option.map(decodeTool(block), ({ input, name }) => makeToolCall(name, input))),
  )
  const texts = readTexts(content)
  // A subagent's text is not the answer, but its tool calls count.
  if (texts.length === 0 || typeof line.parent_tool_use_id === "string") return [state, calls]
  const text = texts.join("\n")
  if (line.is_api_error_message === true) return [{ ...state, apiError: text }, calls]
  return [{ ...state, text, apiError: undefined }, calls]
}

const decodeFinal = (state: State, exit: AgentExit): AgentOutcome => {
  const { result } = state
  if (result === undefined) {
    const errorMessage = keepErrorUnlessKilled(exit, state.apiError)
    const { model, sessionRef, text } = state
    return { final: false, text, sessionRef, errorMessage, model }
  }
  const errorMessage = readResultError(result)
  return {
    final: true,
    text: errorMessage === undefined ? readResultAnswer(result, state.text) : state.text,
    sessionRef: state.sessionRef,
    stopReason: result.stop_reason,
    errorMessage,
    usage: readResultUsage(result),
    model: state.model,
  }
}

/** A codec for Claude Code: `processDriver({ command: "claude", codec: claudeCodec() })`. */
export const claudeCodec = (options: ClaudeOptions = {}): Codec =>
  defineBuiltInCodec<State>("claudeCodec", {
    name: "claude",
    modelFormat: "a model alias, such as sonnet, or a full model name, such as claude-sonnet-5-5",
    models: ["sonnet", "opus", "haiku", "fable", "claude-sonnet-5-5", "claude-opus-5-5", "claude-haiku-5-5"],
    ...makeSpawnEncoder("claudeCodec", ClaudeOptions, options, (valid) => Result.succeed(encodeSpawn(valid))),
    resumes: true,
    keepsModel: true,
    initial: { text: "" },
    decodeEvent,
    decodeFinal,
  })
