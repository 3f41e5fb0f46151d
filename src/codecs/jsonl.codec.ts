/**
 * mill's own line protocol, for custom agents in any language.
 *
 * Standard input contains one line of JSON, then ends:
 *
 *     {"type":"spawn","agent":"…","systemPrompt":"…","prompt":"…","model":"…"}
 *
 * with a `sessionRef` if the agent is to resume the conversation of that name.
 *
 * Standard output contains lines of JSON of these types:
 *
 *     {"type":"session","sessionRef":"…"}                  the name of this conversation; the first one counts
 *     {"type":"milestone","message":"…"}                   progress to show to a user who follows the run
 *     {"type":"tool_call","toolName":"…","input":…}        a tool call; `input` is optional, any JSON
 *     {"type":"text","text":"…"}                           a part of the answer
 *     {"type":"result","text":"…","stopReason":"…","sessionRef":"…","usage":{"inputTokens":1,"outputTokens":1}}
 *     {"type":"error","message":"…"}                       the spawn has failed
 *
 * `result` or `error` ends the conversation: later lines are ignored, and without either the spawn has failed. All fields
 * of `result` are optional. Its `text` replaces the `text` lines; without it, the answer is their concatenation. An answer
 * without any `text` is an error, because other dialects also have lines of type `result`. `usage` may also have
 * `cacheReadTokens`, `cacheWriteTokens` and `costUsd`.
 *
 * Other lines are ignored, so an agent may print anything else. The exit code must be 0 as well.
 */
import { Option, Result, Schema } from "effect"
import { type AgentExit, type AgentOutcome, type Codec, defineBuiltInCodec } from "../domain/driver.schema.ts"
import { SpawnOptions } from "../domain/spawn.schema.ts"
import {
  Amount,
  answerTooLong,
  appendText,
  ifValid,
  makeMilestone,
  explainOverlong,
  type Step,
  makeToolCall,
  parseTypedLine,
  recordSession,
} from "./line.codec.ts"

/** The line on an agent's standard input. */
export const JsonlSpawn = Schema.Struct({ type: Schema.Literal("spawn"), ...SpawnOptions.fields })
export type JsonlSpawn = typeof JsonlSpawn.Type

const SessionLine = Schema.Struct({ type: Schema.Literal("session"), sessionRef: Schema.NonEmptyString })
const MilestoneLine = Schema.Struct({ type: Schema.Literal("milestone"), message: Schema.NonEmptyString })
const ToolCallLine = Schema.Struct({
  type: Schema.Literal("tool_call"),
  toolName: Schema.NonEmptyString,
  input: Schema.optional(Schema.Unknown),
})
const TextLine = Schema.Struct({ type: Schema.Literal("text"), text: Schema.String })
/** A usage without negative counts. */
const ReportedUsage = Schema.Struct({
  inputTokens: Amount,
  outputTokens: Amount,
  cacheReadTokens: Schema.optional(Amount),
  cacheWriteTokens: Schema.optional(Amount),
  costUsd: Schema.optional(Amount),
})
const ResultLine = Schema.Struct({
  type: Schema.Literal("result"),
  text: Schema.optional(Schema.String),
  stopReason: ifValid(Schema.NonEmptyString),
  sessionRef: ifValid(Schema.NonEmptyString),
  usage: ifValid(ReportedUsage),
  model: ifValid(Schema.NonEmptyString),
})
const ErrorLine = Schema.Struct({ type: Schema.Literal("error"), message: ifValid(Schema.String) })

/** A line on an agent's standard output. */
export const JsonlLine = Schema.Union([
  SessionLine,
  MilestoneLine,
  ToolCallLine,
  TextLine,
  ResultLine,
  ErrorLine,
]).pipe(Schema.toTaggedUnion("type"))
export type JsonlLine = typeof JsonlLine.Type

const decodeLine = Schema.decodeUnknownOption(JsonlLine)

type End =
  | { readonly _tag: "Result"; readonly line: typeof ResultLine.Type }
  | { readonly _tag: "Error"; readonly message: string }

type State = {
  readonly sessionRef?: string | undefined
  /** The concatenated `text` lines so far. */
  readonly text: string
  /** Whether there was a `text` line. */
  readonly hasText: boolean
  /** Whether the text was truncated. */
  readonly cut: boolean
  readonly end?: End | undefined
}

const wanted: ReadonlySet<string> = new Set(Object.keys(JsonlLine.cases))

const endWithError = (state: State, message: string): Step<State> => [
  { ...state, end: { _tag: "Error", message } },
  [],
]

const decodeEvent = (state: State, text: string): Step<State> => {
  const typed = state.end === undefined ? parseTypedLine(text, wanted) : undefined
  if (typed === undefined) return [state, []]
  const decoded = decodeLine(typed.value)
  if (Option.isNone(decoded)) {
    // An invalid result must not pass for an empty one, and the agent's author needs to know.
    return typed.type === "result"
      ? endWithError(state, "the result line's `text` is not a string")
      : [state, []]
  }
  const line = decoded.value
  switch (line.type) {
    case "session":
      return recordSession(state, line.sessionRef)
    case "milestone":
      return [state, makeMilestone(line.message)]
    case "tool_call":
      return [state, [makeToolCall(line.toolName, line.input)]]
    case "text":
      return [{ ...appendText(state, line.text), hasText: true }, []]
    case "result":
      return recordSession({ ...state, end: { _tag: "Result", line } }, line.sessionRef)
    case "error":
      return endWithError(state, line.message || "the agent reported an error without details")
  }
}

const decodeFinal = (state: State, exit: AgentExit): AgentOutcome => {
  const { cut, end, hasText, sessionRef, text } = state
  if (end === undefined) return { final: false, text, sessionRef }
  if (end._tag === "Error") return { final: true, text, sessionRef, errorMessage: end.message }
  const missing = hasText ? undefined : "the result line has no `text`, and no text line came before it"
  const lost = cut ? answerTooLong : exit.overlongLines > 0 ? explainOverlong(exit) : missing
  return {
    final: true,
    text: end.line.text ?? text,
    sessionRef,
    stopReason: end.line.stopReason,
    errorMessage: end.line.text === undefined ? lost : undefined,
    usage: end.line.usage,
    model: end.line.model,
  }
}

/** A codec for mill's own line protocol, described at the top of this file. */
export const jsonlCodec = (): Codec =>
  defineBuiltInCodec<State>("jsonlCodec", {
    name: "jsonl",
    modelFormat: "any model name that the agent accepts",
    models: [],
    resumes: true,
    encodeSpawn: ({ agent, model, prompt, sessionRef, systemPrompt }) => {
      const request: JsonlSpawn = { type: "spawn", agent, systemPrompt, prompt, model, sessionRef }
      return Result.succeed({ args: [], stdin: `${JSON.stringify(request)}\n` })
    },
    initial: { text: "", hasText: false, cut: false },
    decodeEvent,
    decodeFinal,
  })
