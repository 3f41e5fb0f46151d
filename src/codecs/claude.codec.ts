/**
 * Claude Code, headless: `claude -p --output-format stream-json --verbose` (@anthropic-ai/claude-code 2.1.329).
 *
 * The system prompt goes by a file, the prompt by standard input, the model by `--model=`. All flags that the dialect
 * needs are the codec's own; a driver's `args` come before them.
 *
 * Lines: `system/init` (`session_id`), `system/api_retry`, `system/permission_denied`, `system/compact_boundary`,
 * `assistant` (one per content block) and, at the end, `result`, whose `type` is not its first key. A failed call to
 * the API is a `result` with `subtype: "success"` and `is_error: true`; an interrupted turn exits with 0.
 *
 * A prompt is text and nothing else: mentions of files (`@notes.md`) would have claude read the file, wherever it lies and
 * whatever tools there are, so they are switched off.
 *
 * `--resume=` goes on with a session, which keeps its id and its first system prompt. Trailing white space of the system prompt is cut by claude. It exits with 0 for a tool that it may not use:
 * `permissionMode` and `--allowedTools` are what lets an unattended claude write.
 */
import { Option, Result, Schema } from "effect"
import {
  type AgentExit,
  type AgentOutcome,
  type Codec,
  defineBuiltInCodec,
  type SpawnInput,
} from "../domain/driver.schema.ts"
import { checkArgument, checkNotBlank, checkSession, encoderWith, systemPromptFile } from "./call.codec.ts"
import { answerOf, decodeResult, failureOf, type ResultLine, usageOf } from "./claude-result.codec.ts"
import {
  foldTyped,
  ifDecoded,
  ifValid,
  milestone,
  outcomeOf,
  retrying,
  type Step,
  toolCall,
  unlessEnded,
  withSession,
} from "./line.codec.ts"

/** What can be chosen about claude. Everything else goes into the driver's `args`. */
export const ClaudeOptions = Schema.Struct({
  /** The built-in tools that there are, for example `["Read", "Bash"]`; none when empty. Default: claude's own set. */
  tools: Schema.optional(Schema.Array(Schema.String)),
  /** Default: claude asks, and as nobody answers, refuses. `bypassPermissions` as root also needs `IS_SANDBOX=1`. */
  permissionMode: Schema.optional(
    Schema.Literals(["acceptEdits", "auto", "bypassPermissions", "dontAsk", "manual", "plan"]),
  ),
  /** Whether the system prompt takes the place of claude's own (the default), or follows it. */
  systemPrompt: Schema.optional(Schema.Literals(["append", "replace"])),
})
export type ClaudeOptions = typeof ClaudeOptions.Type

const encodeSpawn = (options: ClaudeOptions) => (input: SpawnInput) =>
  Result.gen(function* () {
    const prompt = yield* checkNotBlank("prompt", input.prompt)
    const systemPrompt = yield* checkNotBlank("systemPrompt", input.systemPrompt)
    const model = yield* checkArgument("model", input.model)
    const file = systemPromptFile(input)
    const flag = options.systemPrompt === "append" ? "--append-system-prompt-file" : "--system-prompt-file"
    return {
      args: [
        "-p",
        "--output-format",
        "stream-json",
        "--verbose",
        `--model=${model}`,
        `${flag}=${file}`,
        ...(input.sessionRef === undefined ? [] : [`--resume=${yield* checkSession(input.sessionRef)}`]),
        ...(options.tools === undefined ? [] : [`--tools=${options.tools.join(",")}`]),
        ...(options.permissionMode === undefined ? [] : [`--permission-mode=${options.permissionMode}`]),
      ],
      // A prompt that begins with the name of a command, such as /help or /clear, would be carried out by claude itself.
      stdin: prompt.startsWith("/") ? `\n${prompt}` : prompt,
      env: { CLAUDE_CODE_DISABLE_FILE_MENTIONS: "1" },
      files: { [file]: systemPrompt },
    }
  })

const SystemLine = Schema.Struct({
  subtype: ifValid(Schema.String),
  session_id: ifValid(Schema.NonEmptyString),
  attempt: ifValid(Schema.Finite),
  max_retries: ifValid(Schema.Finite),
  error_status: ifValid(Schema.Finite),
  error: ifValid(Schema.String),
  tool_name: ifValid(Schema.String),
})

const AssistantLine = Schema.Struct({
  message: Schema.Struct({ content: Schema.Array(Schema.Unknown) }),
  /** The tool call whose subagent speaks; null when it is claude itself. */
  parent_tool_use_id: Schema.optional(Schema.Unknown),
  /** Set when the message is claude's own, about a failed call to the API. */
  is_api_error_message: Schema.optional(Schema.Unknown),
})

const TextBlock = Schema.Struct({ type: Schema.Literal("text"), text: Schema.String })

const ToolBlock = Schema.Struct({
  type: Schema.Literals(["tool_use", "server_tool_use", "mcp_tool_use"]),
  name: Schema.NonEmptyString,
  input: Schema.optional(Schema.Unknown),
})

const decodeSystem = Schema.decodeUnknownOption(SystemLine)
const decodeAssistant = Schema.decodeUnknownOption(AssistantLine)
const decodeText = Schema.decodeUnknownOption(TextBlock)
const decodeTool = Schema.decodeUnknownOption(ToolBlock)

type State = {
  readonly sessionRef?: string | undefined
  /** What claude said last. */
  readonly text: string
  /** What claude said last about a failed call to the API, if nothing came after it. */
  readonly apiError?: string | undefined
  readonly result?: ResultLine | undefined
}

const wanted: ReadonlySet<string> = new Set(["system", "assistant", "result"])

const decodeEvent = foldTyped<State>(wanted, (state, { type, value }) => {
  switch (type) {
    case "system":
      return ifDecoded(state, decodeSystem(value), (system) => onSystem(state, system))
    case "assistant":
      return ifDecoded(state, decodeAssistant(value), (assistant) => onAssistant(state, assistant))
    default:
      return ifDecoded(state, decodeResult(value), (result) =>
        withSession({ ...state, result }, result.session_id),
      )
  }
})

const onSystem = (state: State, line: typeof SystemLine.Type): Step<State> => {
  switch (line.subtype) {
    case "init":
      return withSession(state, line.session_id)
    case "api_retry": {
      const because = [line.error_status, line.error].filter((part) => part !== undefined).join(" ")
      return [state, milestone(retrying(because, line.attempt, line.max_retries))]
    }
    case "permission_denied":
      return [state, milestone(`permission denied: ${line.tool_name ?? "a tool"}`)]
    case "compact_boundary":
      return [state, milestone("the conversation has been compacted")]
    default:
      return [state, []]
  }
}

const onAssistant = (state: State, line: typeof AssistantLine.Type): Step<State> => {
  const { content } = line.message
  const calls = content.flatMap((block) =>
    Option.toArray(Option.map(decodeTool(block), ({ input, name }) => toolCall(name, input))),
  )
  const said = content.flatMap((block) => Option.toArray(Option.map(decodeText(block), ({ text }) => text)))
  // What a subagent says is not the answer; its tool calls are the spawn's all the same.
  if (said.length === 0 || typeof line.parent_tool_use_id === "string") return [state, calls]
  const text = said.join("\n")
  if (line.is_api_error_message === true) return [{ ...state, apiError: text }, calls]
  const { apiError: _, ...rest } = state
  return [{ ...rest, text }, calls]
}

const decodeFinal = (state: State, exit: AgentExit): AgentOutcome => {
  const { result } = state
  if (result === undefined) {
    const errorMessage = unlessEnded(exit, state.apiError)
    return outcomeOf({ final: false, text: state.text, sessionRef: state.sessionRef, errorMessage })
  }
  const errorMessage = failureOf(result)
  return outcomeOf({
    final: true,
    text: errorMessage === undefined ? answerOf(result, state.text) : state.text,
    sessionRef: state.sessionRef,
    stopReason: result.stop_reason,
    errorMessage,
    usage: usageOf(result),
  })
}

/** Speaks to Claude Code. `processDriver({ command: "claude", codec: claudeCodec() })` needs nothing else. */
export const claudeCodec = (options: ClaudeOptions = {}): Codec =>
  defineBuiltInCodec<State>("claudeCodec", {
    name: "claude",
    modelFormat: "an alias (sonnet) or a model's full name (claude-sonnet-5-5)",
    models: ["sonnet", "opus", "haiku", "fable", "claude-sonnet-5-5", "claude-opus-5-5", "claude-haiku-5-5"],
    ...encoderWith("claudeCodec", ClaudeOptions, options, (valid) => Result.succeed(encodeSpawn(valid))),
    resumes: true,
    initial: { text: "" },
    decodeEvent,
    decodeFinal,
  })
