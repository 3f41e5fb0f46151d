/**
 * mill's own line protocol, for an agent of one's own in any language. It is small, and it is all there is:
 *
 * Standard input holds one line of JSON, then ends:
 *
 *     {"type":"spawn","agent":"…","systemPrompt":"…","prompt":"…","model":"…"}
 *
 * and a `sessionRef` when the agent is to go on with the conversation that it has called so.
 *
 * Standard output holds lines of JSON, of these types:
 *
 *     {"type":"session","sessionRef":"…"}                  what to call this conversation; the first one counts
 *     {"type":"milestone","message":"…"}                   something worth telling a person who follows the run
 *     {"type":"tool_call","toolName":"…","input":…}        a tool is used; `input` is optional, any JSON
 *     {"type":"text","text":"…"}                           more of the answer
 *     {"type":"result","text":"…","stopReason":"…","sessionRef":"…","usage":{"inputTokens":1,"outputTokens":1}}
 *     {"type":"error","message":"…"}                       the spawn has failed
 *
 * `result` or `error` ends it: what comes later does not count, and without either the spawn has failed. All fields of
 * `result` are optional. Its `text` takes the place of what the `text` lines gave; without it, their texts are joined as
 * they are. `usage` may also have `cacheReadTokens`, `cacheWriteTokens` and `costUsd`.
 *
 * Any other line is ignored, so an agent may print what it likes. The exit code must be 0 as well.
 */
import { Option, Result, Schema } from "effect"
import { type AgentExit, type AgentOutcome, type Codec, defineBuiltInCodec } from "../domain/driver.schema.ts"
import { SpawnOptions, Usage } from "../domain/spawn.schema.ts"
import {
  addText,
  answerTooLong,
  ifDecoded,
  ifValid,
  maxAnswerLength,
  milestone,
  outcomeOf,
  overlong,
  type Step,
  toolCall,
  typedLine,
  withSession,
} from "./line.codec.ts"

/** What an agent is given. */
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
const ResultLine = Schema.Struct({
  type: Schema.Literal("result"),
  text: Schema.optional(Schema.String),
  stopReason: ifValid(Schema.NonEmptyString),
  sessionRef: ifValid(Schema.NonEmptyString),
  usage: ifValid(Usage),
})
const ErrorLine = Schema.Struct({ type: Schema.Literal("error"), message: ifValid(Schema.String) })

/** What an agent may print. */
export type JsonlLine =
  | typeof SessionLine.Type
  | typeof MilestoneLine.Type
  | typeof ToolCallLine.Type
  | typeof TextLine.Type
  | typeof ResultLine.Type
  | typeof ErrorLine.Type

const decodeSession = Schema.decodeUnknownOption(SessionLine)
const decodeMilestone = Schema.decodeUnknownOption(MilestoneLine)
const decodeToolCall = Schema.decodeUnknownOption(ToolCallLine)
const decodeText = Schema.decodeUnknownOption(TextLine)
const decodeResult = Schema.decodeUnknownOption(ResultLine)
const decodeError = Schema.decodeUnknownOption(ErrorLine)

type End =
  | { readonly _tag: "Result"; readonly line: typeof ResultLine.Type }
  | { readonly _tag: "Error"; readonly message: string }

type State = {
  readonly sessionRef?: string | undefined
  /** What the `text` lines have given so far. */
  readonly text: string
  /** Whether they gave more than is kept. */
  readonly cut: boolean
  readonly end?: End | undefined
}

const wanted: ReadonlySet<string> = new Set(["session", "milestone", "tool_call", "text", "result", "error"])

const decodeEvent = (state: State, line: string): Step<State> => {
  const typed = state.end === undefined ? typedLine(line, wanted) : undefined
  if (typed === undefined) return [state, []]
  const { type, value } = typed
  switch (type) {
    case "session":
      return ifDecoded(state, decodeSession(value), ({ sessionRef }) => withSession(state, sessionRef))
    case "milestone":
      return ifDecoded(state, decodeMilestone(value), ({ message }) => [state, milestone(message)])
    case "tool_call":
      return ifDecoded(state, decodeToolCall(value), ({ input, toolName }) => [
        state,
        [toolCall(toolName, input)],
      ])
    case "text":
      return ifDecoded(state, decodeText(value), ({ text }) => {
        const cut = state.cut || state.text.length + text.length > maxAnswerLength
        return [{ ...state, text: addText(state.text, text), cut }, []]
      })
    case "result":
      return Option.match(decodeResult(value), {
        // Whoever writes an agent should be told, and a result that cannot be read must not pass for an empty one.
        onNone: () => [
          { ...state, end: { _tag: "Error", message: "the result line's `text` is not a string" } },
          [],
        ],
        onSome: (result) =>
          withSession({ ...state, end: { _tag: "Result", line: result } }, result.sessionRef),
      })
    default:
      return ifDecoded(state, decodeError(value), ({ message }) => [
        {
          ...state,
          end: { _tag: "Error", message: message || "the agent reported an error without saying which" },
        },
        [],
      ])
  }
}

const decodeFinal = (state: State, exit: AgentExit): AgentOutcome => {
  const { cut, end, sessionRef, text } = state
  if (end === undefined) return outcomeOf({ final: false, text, sessionRef })
  if (end._tag === "Error") return outcomeOf({ final: true, text, sessionRef, errorMessage: end.message })
  const lost = cut ? answerTooLong : exit.overlongLines > 0 ? overlong(exit) : undefined
  return outcomeOf({
    final: true,
    text: end.line.text ?? text,
    sessionRef,
    stopReason: end.line.stopReason,
    errorMessage: end.line.text === undefined ? lost : undefined,
    usage: end.line.usage,
  })
}

/** Speaks mill's own line protocol, which is described at the head of this file. */
export const jsonlCodec = (): Codec =>
  defineBuiltInCodec<State>("jsonlCodec", {
    name: "jsonl",
    modelFormat: "whatever the agent takes",
    models: [],
    resumes: true,
    encodeSpawn: ({ agent, model, prompt, sessionRef, systemPrompt }) => {
      const session = sessionRef === undefined ? {} : { sessionRef }
      const request: JsonlSpawn = { type: "spawn", agent, systemPrompt, prompt, model, ...session }
      return Result.succeed({ args: [], stdin: `${JSON.stringify(request)}\n` })
    },
    initial: { text: "", cut: false },
    decodeEvent,
    decodeFinal,
  })
