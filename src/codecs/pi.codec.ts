/**
 * pi, headless: `pi --mode json -p` (@earendil-works/pi-coding-agent 0.87.1 and 1.5.2; older ones from
 * @mariozechner/pi-coding-agent 0.73 on).
 *
 * The system prompt is passed in a file, which pi reads if `--system-prompt` names one; the prompt on standard input. pi
 * trims a prompt at both ends and a system prompt at its start. It treats a model as a pattern, and removes a thinking
 * level such as `:high` from its end.
 *
 * `--session` resumes a session by its id. It also takes a path, so the codec accepts only ids.
 *
 * Lines: `session` (`id`), `message_end` (the last one of role `assistant` is authoritative: text, `stopReason`,
 * `errorMessage`; each has the usage of its own request), `tool_execution_start`, `auto_retry_start`, `agent_end`, and
 * from 0.80.4 on `agent_settled`, which is the end. `message_update` repeats the content of `message_end`, before 0.84 with
 * the whole message each time. pi exits with 0 if the model could not be reached.
 */
import { Result, Schema } from "effect"
import {
  type AgentExit,
  type AgentOutcome,
  type Codec,
  defineBuiltInCodec,
  type SpawnInput,
} from "../domain/driver.schema.ts"
import type { Usage } from "../domain/spawn.schema.ts"
import { checkCall, checkSession, makeSpawnEncoder, refuse } from "./call.codec.ts"
import {
  foldTypedLines,
  applyDecoded,
  ifValid,
  makeMilestone,
  explainOverlong,
  formatRetry,
  makeToolCall,
  keepErrorUnlessKilled,
  recordSession,
} from "./line.codec.ts"
import { piModels } from "./pi-models.codec.ts"
import {
  addMessageUsage,
  decodeMessage,
  readError,
  type Message,
  readModel,
  readText,
} from "./pi-message.codec.ts"

/** Options of pi. Pass everything else in the driver's `args`. */
export const PiOptions = Schema.Struct({
  /** The available tools, for example `["read", "bash"]`; none if empty. Default: pi's own set. */
  tools: Schema.optional(Schema.Array(Schema.String)),
  /** Whether the system prompt replaces pi's own (the default) or is appended to it. */
  systemPrompt: Schema.optional(Schema.Literals(["append", "replace"])),
})
export type PiOptions = typeof PiOptions.Type

const encodeSpawn = (options: PiOptions) => (input: SpawnInput) =>
  Result.gen(function* () {
    const { file, model, prompt, systemPrompt } = yield* checkCall(input)
    const modelArgs = model === undefined ? [] : yield* makeModelArgs(model)
    // pi does not support `--flag=value`. It takes the next argument as the value, even if that starts with a dash.
    return {
      args: [
        "--mode",
        "json",
        "-p",
        options.systemPrompt === "append" ? "--append-system-prompt" : "--system-prompt",
        file,
        ...modelArgs,
        ...(input.sessionRef === undefined ? [] : ["--session", yield* checkSession(input.sessionRef)]),
        ...makeToolArgs(options.tools),
      ],
      stdin: prompt,
      files: { [file]: systemPrompt },
    }
  })

const makeModelArgs = (model: string) => {
  const slash = model.indexOf("/")
  return slash === 0 || slash === model.length - 1
    ? refuse(`model: ${JSON.stringify(model)} is not in the format provider/model-id`)
    : Result.succeed([
        ...(slash === -1 ? [] : ["--provider", model.slice(0, slash)]),
        "--model",
        model.slice(slash + 1),
      ])
}

const makeToolArgs = (tools: ReadonlyArray<string> | undefined) =>
  tools === undefined ? [] : tools.length === 0 ? ["--no-tools"] : ["--tools", tools.join(",")]

const decodeSession = Schema.decodeUnknownOption(Schema.Struct({ id: Schema.NonEmptyString }))
const decodeTool = Schema.decodeUnknownOption(
  Schema.Struct({ toolName: Schema.NonEmptyString, args: Schema.optional(Schema.Unknown) }),
)
const decodeRetry = Schema.decodeUnknownOption(
  Schema.Struct({
    attempt: ifValid(Schema.Finite),
    maxAttempts: ifValid(Schema.Finite),
    errorMessage: ifValid(Schema.String),
  }),
)
const decodeSettled = Schema.decodeUnknownOption(Schema.Struct({ aborted: ifValid(Schema.Boolean) }))

type State = {
  readonly sessionRef?: string | undefined
  /** pi's last message. */
  readonly text: string
  /** Whether a message has started and not ended. */
  readonly speaking: boolean
  /** How the last message ended. */
  readonly stopReason?: string | undefined
  readonly errorMessage?: string | undefined
  readonly usage?: Usage | undefined
  /** The model of the last message. */
  readonly model?: string | undefined
  /** Whether `agent_end` was the last line, which is an end unless another line follows. */
  readonly ended: boolean
  readonly settled: boolean
  /** Whether this version of pi ends with `agent_settled`, so that `agent_end` is not an end. */
  readonly settles: boolean
}

const wanted: ReadonlySet<string> = new Set([
  "session",
  "agent_start",
  "message_start",
  "message_end",
  "tool_execution_start",
  "auto_retry_start",
  "compaction_start",
  "agent_end",
  "agent_settled",
])

const decodeEvent = foldTypedLines<State>(wanted, (state, { type, value }) => {
  switch (type) {
    case "session":
      return applyDecoded(state, decodeSession(value), ({ id }) => recordSession(state, id))
    case "message_start":
      return applyDecoded(state, decodeMessage(value), ({ message }) => {
        // Since 0.83 a message starts as pending, and since 0.80.4 pi settles.
        const settles = state.settles || message.stopReason === "pending"
        return [{ ...markOngoing(state), speaking: true, settles }, []]
      })
    case "message_end":
      return applyDecoded(state, decodeMessage(value), ({ message }) => [
        onMessage(markOngoing(state), message),
        [],
      ])
    case "tool_execution_start":
      return applyDecoded(state, decodeTool(value), ({ args, toolName }) => [
        markOngoing(state),
        [makeToolCall(toolName, args)],
      ])
    case "auto_retry_start":
      return applyDecoded(state, decodeRetry(value), ({ attempt, errorMessage, maxAttempts }) => [
        markOngoing(state),
        makeMilestone(formatRetry(errorMessage ?? "", attempt, maxAttempts)),
      ])
    case "compaction_start":
      return [markOngoing(state), makeMilestone("compacting the conversation")]
    case "agent_end":
      return [{ ...state, ended: true }, []]
    case "agent_settled":
      return applyDecoded(state, decodeSettled(value), ({ aborted }) => [
        onSettled(state, aborted === true),
        [],
      ])
    default:
      return [markOngoing(state), []]
  }
})

const markOngoing = (state: State): State =>
  state.ended || state.settled ? { ...state, ended: false, settled: false } : state

const onSettled = (state: State, aborted: boolean): State => ({
  ...state,
  settled: true,
  errorMessage: state.errorMessage ?? (aborted ? "pi aborted its run" : undefined),
})

const onMessage = (state: State, message: Message): State => {
  const errorMessage = readError(message)
  const text = readText(message)
  return {
    ...state,
    // A failed request has no text of its own; the text before it remains.
    text: text === "" && errorMessage !== undefined ? state.text : text,
    speaking: false,
    stopReason: message.stopReason,
    errorMessage,
    usage: addMessageUsage(state.usage, message),
    model: readModel(message) ?? state.model,
  }
}

const decodeFinal = (state: State, exit: AgentExit): AgentOutcome => {
  const { model, sessionRef, stopReason, text, usage } = state
  // Before 0.80.4 a run ends with `agent_end`, after a message that does not request a tool.
  const ended = state.settled || (state.ended && !state.settles && stopReason !== "toolUse")
  const final = ended && (stopReason !== undefined || state.speaking)
  if (!final) {
    const errorMessage = keepErrorUnlessKilled(exit, state.errorMessage)
    return { final, text, sessionRef, stopReason, errorMessage, usage, model }
  }
  // If the run ended but a message did not, the line with its end was too long to read.
  const lost = state.speaking ? explainOverlong(exit) : undefined
  return { final, text, sessionRef, stopReason, errorMessage: state.errorMessage ?? lost, usage, model }
}

/** A codec for pi: `processDriver({ command: "pi", codec: piCodec() })`. */
export const piCodec = (options: PiOptions = {}): Codec =>
  defineBuiltInCodec<State>("piCodec", {
    name: "pi",
    modelFormat: "provider/model-id",
    models: [],
    listModels: piModels,
    ...makeSpawnEncoder("piCodec", PiOptions, options, (valid) => Result.succeed(encodeSpawn(valid))),
    resumes: true,
    keepsModel: true,
    initial: { text: "", speaking: false, ended: false, settled: false, settles: false },
    decodeEvent,
    decodeFinal,
  })
