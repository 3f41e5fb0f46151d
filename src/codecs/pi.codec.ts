/**
 * pi, headless: `pi --mode json -p` (@earendil-works/pi-coding-agent 0.87.1 and 1.5.2; older ones from
 * @mariozechner/pi-coding-agent 0.73 on).
 *
 * The system prompt goes by a file, which pi reads when `--system-prompt` names one; the prompt by standard input.
 * pi cuts white space off both ends of a prompt and off the beginning of a system prompt. It takes a model for a
 * pattern, and cuts a thinking level such as `:high` off its end.
 *
 * `--session` goes on with a session, by its id; it also takes a path, which is why nothing else than an id passes.
 *
 * Lines: `session` (`id`), `message_end` (the last one of the role `assistant` is authoritative: text, `stopReason`,
 * `errorMessage`; each carries the usage of its own request), `tool_execution_start`, `auto_retry_start`, `agent_end`,
 * and from 0.80.4 on `agent_settled`, which is the end. `message_update` repeats what `message_end` tells, before 0.84
 * with the whole message each time. pi exits with 0 when a model could not be reached.
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
import {
  checkArgument,
  checkNotBlank,
  checkSession,
  encoderWith,
  refuse,
  systemPromptFile,
} from "./call.codec.ts"
import {
  foldTyped,
  ifDecoded,
  ifValid,
  milestone,
  outcomeOf,
  overlong,
  retrying,
  toolCall,
  unlessEnded,
  withSession,
} from "./line.codec.ts"
import { piModels } from "./pi-models.codec.ts"
import { addUsage, decodeMessage, errorOf, type Message, textOf } from "./pi-message.codec.ts"

/** What can be chosen about pi. Everything else goes into the driver's `args`. */
export const PiOptions = Schema.Struct({
  /** The tools that there are, for example `["read", "bash"]`; none when empty. Default: pi's own set. */
  tools: Schema.optional(Schema.Array(Schema.String)),
  /** Whether the system prompt takes the place of pi's own (the default), or follows it. */
  systemPrompt: Schema.optional(Schema.Literals(["append", "replace"])),
})
export type PiOptions = typeof PiOptions.Type

const encodeSpawn = (options: PiOptions) => (input: SpawnInput) =>
  Result.gen(function* () {
    const prompt = yield* checkNotBlank("prompt", input.prompt)
    const systemPrompt = yield* checkNotBlank("systemPrompt", input.systemPrompt)
    const model = yield* checkArgument("model", input.model)
    const slash = model.indexOf("/")
    if (slash === 0 || slash === model.length - 1) {
      return yield* refuse(`model: ${JSON.stringify(model)} is not of the form provider/model-id`)
    }
    const file = systemPromptFile(input)
    // pi knows no `--flag=value`; it takes the argument after a flag as it is, even when that begins with a dash.
    return {
      args: [
        "--mode",
        "json",
        "-p",
        options.systemPrompt === "append" ? "--append-system-prompt" : "--system-prompt",
        file,
        ...(slash === -1 ? [] : ["--provider", model.slice(0, slash)]),
        "--model",
        model.slice(slash + 1),
        ...(input.sessionRef === undefined ? [] : ["--session", yield* checkSession(input.sessionRef)]),
        ...toolArgs(options.tools),
      ],
      stdin: prompt,
      files: { [file]: systemPrompt },
    }
  })

const toolArgs = (tools: ReadonlyArray<string> | undefined) =>
  tools === undefined ? [] : tools.length === 0 ? ["--no-tools"] : ["--tools", tools.join(",")]

const SessionLine = Schema.Struct({ id: Schema.NonEmptyString })

const ToolLine = Schema.Struct({ toolName: Schema.NonEmptyString, args: Schema.optional(Schema.Unknown) })

const RetryLine = Schema.Struct({
  attempt: ifValid(Schema.Finite),
  maxAttempts: ifValid(Schema.Finite),
  errorMessage: ifValid(Schema.String),
})

const SettledLine = Schema.Struct({ aborted: ifValid(Schema.Boolean) })

const decodeSession = Schema.decodeUnknownOption(SessionLine)
const decodeTool = Schema.decodeUnknownOption(ToolLine)
const decodeRetry = Schema.decodeUnknownOption(RetryLine)
const decodeSettled = Schema.decodeUnknownOption(SettledLine)

type State = {
  readonly sessionRef?: string | undefined
  /** What pi said last. */
  readonly text: string
  /** Whether a message of pi has begun and not ended. */
  readonly speaking: boolean
  /** How its last message ended. */
  readonly stopReason?: string | undefined
  readonly errorMessage?: string | undefined
  readonly usage?: Usage | undefined
  /** Whether `agent_end` was the last that was heard of it: an end, unless something follows. */
  readonly ended: boolean
  readonly settled: boolean
  /** Whether this is a pi that settles in the end, so that `agent_end` alone is no end. */
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

const decodeEvent = foldTyped<State>(wanted, (state, { type, value }) => {
  switch (type) {
    case "session":
      return ifDecoded(state, decodeSession(value), ({ id }) => withSession(state, id))
    case "message_start":
      return ifDecoded(state, decodeMessage(value), ({ message }) => {
        // Since 0.83 a message begins as pending, and since 0.80.4 pi settles.
        const settles = state.settles || message.stopReason === "pending"
        return [{ ...goingOn(state), speaking: true, settles }, []]
      })
    case "message_end":
      return ifDecoded(state, decodeMessage(value), ({ message }) => [onMessage(goingOn(state), message), []])
    case "tool_execution_start":
      return ifDecoded(state, decodeTool(value), ({ args, toolName }) => [
        goingOn(state),
        [toolCall(toolName, args)],
      ])
    case "auto_retry_start":
      return ifDecoded(state, decodeRetry(value), ({ attempt, errorMessage, maxAttempts }) => [
        goingOn(state),
        milestone(retrying(errorMessage ?? "", attempt, maxAttempts)),
      ])
    case "compaction_start":
      return [goingOn(state), milestone("compacting the conversation")]
    case "agent_end":
      return [{ ...state, ended: true }, []]
    case "agent_settled":
      return ifDecoded(state, decodeSettled(value), ({ aborted }) => [onSettled(state, aborted === true), []])
    default:
      return [goingOn(state), []]
  }
})

const goingOn = (state: State): State =>
  state.ended || state.settled ? { ...state, ended: false, settled: false } : state

const onSettled = (state: State, aborted: boolean): State => ({
  ...state,
  settled: true,
  ...(aborted && state.errorMessage === undefined ? { errorMessage: "the run was aborted" } : {}),
})

const onMessage = (state: State, message: Message): State => {
  const { errorMessage: _, stopReason: __, usage, ...rest } = state
  const error = errorOf(message)
  const said = textOf(message)
  const total = addUsage(usage, message.usage)
  return {
    ...rest,
    // A request that failed says nothing; what was said before it is all there is.
    text: said === "" && error !== undefined ? state.text : said,
    speaking: false,
    ...(message.stopReason === undefined ? {} : { stopReason: message.stopReason }),
    ...(error === undefined ? {} : { errorMessage: error }),
    ...(total === undefined ? {} : { usage: total }),
  }
}

const decodeFinal = (state: State, exit: AgentExit): AgentOutcome => {
  const { sessionRef, stopReason, text, usage } = state
  // Before 0.80.4 nothing but `agent_end` ends a run, and the message before it does not ask for a tool.
  const ended = state.settled || (state.ended && !state.settles && stopReason !== "toolUse")
  const final = ended && (stopReason !== undefined || state.speaking)
  if (!final) {
    const errorMessage = unlessEnded(exit, state.errorMessage)
    return outcomeOf({ final, text, sessionRef, stopReason, errorMessage, usage })
  }
  // A message that never ended, in a run that did, was in a line too long to be read.
  const lost = state.speaking ? overlong(exit) : undefined
  return outcomeOf({ final, text, sessionRef, stopReason, errorMessage: state.errorMessage ?? lost, usage })
}

/** Speaks to pi. `processDriver({ command: "pi", codec: piCodec() })` needs nothing else. */
export const piCodec = (options: PiOptions = {}): Codec =>
  defineBuiltInCodec<State>("piCodec", {
    name: "pi",
    modelFormat: "provider/model-id",
    models: [],
    listModels: piModels,
    ...encoderWith("piCodec", PiOptions, options, (valid) => Result.succeed(encodeSpawn(valid))),
    resumes: true,
    initial: { text: "", speaking: false, ended: false, settled: false, settles: false },
    decodeEvent,
    decodeFinal,
  })
