/**
 * Claude Code, headless: `claude -p --input-format stream-json --output-format stream-json --verbose`
 * (@anthropic-ai/claude-code 2.1.197 to 2.1.330).
 *
 * The system prompt is passed in a file, and the prompt as a message on standard input. The model, if there is one, is passed
 * as `--model=`. The codec adds all flags that the dialect needs, after the driver's `args`.
 *
 * Lines: `system/init` (`session_id`, `model`), `system/api_retry`, `system/permission_denied`, `system/compact_boundary`,
 * `assistant` (one per content block) and, at the end, `result`, whose `type` is not its first key. A failed API call is a
 * `result` with `subtype: "success"` and `is_error: true`; an interrupted turn exits with 0.
 *
 * A prompt is plain text. claude would execute one that starts with a command such as `/clear`, and read each file that
 * it mentions (`@notes.md`) wherever it is and whatever tools are allowed. It looks for both only in the last text of a
 * message, so the codec adds an empty one, which claude does not send to the model.
 *
 * `--resume=` resumes a session, which keeps its id, its first system prompt and, without `--model=`, its model. claude trims
 * white space from the end of the system prompt. It exits with 0 when it may not use a tool: `permissionMode` and
 * `--allowedTools` let an unattended claude write.
 */
import { Option, Result, Schema } from "effect"
import { type AgentExit, type AgentOutcome, type Codec, defineBuiltInCodec } from "../domain/driver.schema.ts"
import type { Usage } from "../domain/spawn.schema.ts"
import { makeSpawnEncoder } from "./call.codec.ts"
import { ClaudeOptions, encodeSpawn } from "./claude-call.codec.ts"
import {
  readResultAnswer,
  decodeResult,
  readNewUsage,
  readResultError,
  readTotalUsage,
  type ResultLine,
} from "./claude-result.codec.ts"
import {
  foldTypedLines,
  addUsage,
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
import { isOlder, oldestTested, warnIfOlder } from "./tested-version.codec.ts"

const SystemLine = Schema.Struct({
  subtype: ifValid(Schema.String),
  session_id: ifValid(Schema.NonEmptyString),
  model: ifValid(Schema.NonEmptyString),
  attempt: ifValid(Schema.Finite),
  max_retries: ifValid(Schema.Finite),
  error_status: ifValid(Schema.Finite),
  error: ifValid(Schema.String),
  tool_name: ifValid(Schema.String),
  claude_code_version: ifValid(Schema.String),
})

const AssistantLine = Schema.Struct({
  message: Schema.Struct({ content: Schema.Array(Schema.Unknown), model: ifValid(Schema.String) }),
  /** The tool call whose subagent speaks; null for claude itself. */
  parent_tool_use_id: Schema.optional(Schema.Unknown),
  /** Set for claude's own message about a failed API call. */
  is_api_error_message: Schema.optional(Schema.Unknown),
  /** The kind of the failure. 2.1.197 has only this field. */
  error: ifValid(Schema.NonEmptyString),
})

/** The model of claude's own messages, which are not part of the answer. */
const noModel = "<synthetic>"

const decodeSystem = Schema.decodeUnknownOption(SystemLine)
const decodeAssistant = Schema.decodeUnknownOption(AssistantLine)
const decodeTool = Schema.decodeUnknownOption(
  Schema.Struct({
    type: Schema.Literals(["tool_use", "server_tool_use", "mcp_tool_use"]),
    name: Schema.NonEmptyString,
    input: Schema.optional(Schema.Unknown),
  }),
)

const packageName = "@anthropic-ai/claude-code"

/** The first version that counts all turns of a conversation. */
const firstCumulative = "2.1.277"

type State = {
  readonly sessionRef?: string | undefined
  readonly model?: string | undefined
  /** claude's last message. */
  readonly text: string
  /** claude's last message about a failed API call, if nothing has followed it. */
  readonly apiError?: string | undefined
  readonly result?: ResultLine | undefined
  /** The sum of the usage that the results reported as new. */
  readonly usage?: Usage | undefined
  /** Whether claude reports only the total of all turns of a conversation. */
  readonly cumulative: boolean
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
        recordSession(onResult(state, result), result.session_id),
      )
  }
})

/** A claude may print several results, for example after a background task, and a line twice. */
const onResult = (state: State, result: ResultLine): State => {
  const isRepeated = result.uuid !== undefined && result.uuid === state.result?.uuid
  const added = isRepeated ? undefined : readNewUsage(result)
  return { ...state, result, usage: added === undefined ? state.usage : addUsage(state.usage, added) }
}

const onSystem = (state: State, line: typeof SystemLine.Type): Step<State> => {
  switch (line.subtype) {
    case "init": {
      const { claude_code_version: version, model = state.model } = line
      const cumulative = version !== undefined && !isOlder(version, firstCumulative)
      const [next, events] = recordSession({ ...state, model, cumulative }, line.session_id)
      // One claude prints this line for each of its turns.
      const warning = events.length === 0 ? [] : warnIfOlder("claude", version, oldestTested[packageName])
      return [next, [...events, ...warning]]
    }
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
  if (line.is_api_error_message === true || line.error !== undefined) {
    return [{ ...state, apiError: text }, calls]
  }
  if (line.message.model === noModel) return [state, calls]
  return [{ ...state, text, apiError: undefined }, calls]
}

const decodeFinal = (state: State, exit: AgentExit): AgentOutcome => {
  const { result } = state
  if (result === undefined) {
    const errorMessage = keepErrorUnlessKilled(exit, state.apiError)
    const { model, sessionRef, text } = state
    return { final: false, text, sessionRef, errorMessage, model }
  }
  const errorMessage = readResultError(result) ?? state.apiError
  return {
    final: true,
    text: errorMessage === undefined ? readResultAnswer(result, state.text) : state.text,
    sessionRef: state.sessionRef,
    stopReason: result.stop_reason,
    errorMessage,
    ...readUsage(state, result),
    model: state.model,
  }
}

const readUsage = ({ cumulative, usage }: State, result: ResultLine) =>
  usage !== undefined || result.model_usage_since_last_result !== undefined
    ? { usage }
    : { usage: readTotalUsage(result), usageOfSession: cumulative || undefined }

/** A codec for Claude Code: `processDriver({ command: "claude", codec: claudeCodec() })`. */
export const claudeCodec = (options: ClaudeOptions = {}): Codec =>
  defineBuiltInCodec<State>("claudeCodec", {
    name: "claude",
    modelFormat: "a model alias, such as sonnet, or a full model name, such as claude-sonnet-5-5",
    models: ["sonnet", "opus", "haiku", "fable", "claude-sonnet-5-5", "claude-opus-5-5", "claude-haiku-5-5"],
    ...makeSpawnEncoder("claudeCodec", ClaudeOptions, options, (valid) => Result.succeed(encodeSpawn(valid))),
    resumes: true,
    keepsModel: true,
    initial: { text: "", cumulative: false },
    decodeEvent,
    decodeFinal,
  })
