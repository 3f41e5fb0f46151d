/**
 * What the codecs share in reading lines of JSON and in telling what they add up to. Nothing here fails: a line that
 * cannot be read is no line of the dialect.
 */
import { Effect, Option, Result, Schema } from "effect"
import { type AgentExit, type AgentOutcome, DriverEvent } from "../domain/driver.schema.ts"
import type { Usage } from "../domain/spawn.schema.ts"

/** A field that is dropped when it is not what it should be, so that one odd field does not cost the whole line. */
export const ifValid = <S extends Schema.Constraint>(schema: S) =>
  Schema.optional(Schema.catchDecoding<S>(() => Effect.succeedNone)(schema))

type TypedLine = { readonly type: string; readonly value: object }

const leadingType = /^\{"type":"([\w.]+)"/

/**
 * Reads a line, if its type is one of `wanted`. Agents print far more lines than a codec wants, some of them of many
 * megabytes: a line whose first key tells another type is not parsed. `type` need not come first.
 */
export const typedLine = (line: string, wanted: ReadonlySet<string>): TypedLine | undefined => {
  const leading = leadingType.exec(line)?.[1]
  if (leading !== undefined && !wanted.has(leading)) return undefined
  const value = parseObject(line)
  if (value === undefined || !("type" in value) || typeof value.type !== "string") return undefined
  return wanted.has(value.type) ? { type: value.type, value } : undefined
}

/** What a line makes of the state of a fold, and what it tells. */
export type Step<State> = readonly [State, ReadonlyArray<DriverEvent>]

/** A fold over the lines of these types, which passes over all others. */
export const foldTyped =
  <State>(wanted: ReadonlySet<string>, step: (state: State, line: TypedLine) => Step<State>) =>
  (state: State, line: string): Step<State> => {
    const typed = typedLine(line, wanted)
    return typed === undefined ? [state, []] : step(state, typed)
  }

/** The step for a line that could be decoded; any other changes nothing. */
export const ifDecoded = <State, Line>(
  state: State,
  line: Option.Option<Line>,
  step: (line: Line) => Step<State>,
): Step<State> => (Option.isSome(line) ? step(line.value) : [state, []])

/** The object that a line holds in JSON, if it does. */
export const parseObject = (line: string): object | undefined => {
  const json = line.trimStart()
  return json.startsWith("{") ? jsonObject(json) : undefined
}

/** Parses a text that is a JSON object; nothing else means anything. */
export const jsonObject = (text: string): object | undefined => {
  const value = Result.getOrUndefined(Result.try((): unknown => JSON.parse(text)))
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value : undefined
}

/** A value as text: a string as it is, anything else as JSON. Nothing, when JSON cannot hold it. */
export const jsonText = (value: unknown): string | undefined =>
  typeof value === "string"
    ? value
    : Result.getOrUndefined(Result.try((): string | undefined => JSON.stringify(value)))

export const toolCall = (toolName: string, given: unknown): DriverEvent => {
  const input = jsonText(given)
  return DriverEvent.ToolCall({ toolName, ...(input === undefined ? {} : { input }) })
}

/** Takes the name of the session from the first line that tells one, and tells it once. */
export const withSession = <State extends { readonly sessionRef?: string | undefined }>(
  state: State,
  sessionRef: string | undefined,
): Step<State> =>
  state.sessionRef !== undefined || sessionRef === undefined
    ? [state, []]
    : [{ ...state, sessionRef }, [DriverEvent.Session({ sessionRef })]]

/** Characters of the longest answer that is kept, where an agent gives it in many lines. */
export const maxAnswerLength = 16 * 1024 * 1024

/** What to say of an answer that is longer. */
export const answerTooLong = `the answer is longer than ${maxAnswerLength} characters and has been cut there`

/** Adds to an answer, up to `maxAnswerLength`. Engines keep what is added as a rope, so many additions stay cheap. */
export const addText = (answer: string, text: string): string =>
  answer.length + text.length <= maxAnswerLength
    ? answer + text
    : answer + text.slice(0, maxAnswerLength - answer.length)

const milestoneLength = 500

/** A milestone, unless there is nothing to say. It is one line, not a long one, and without control characters. */
export const milestone = (text: string): ReadonlyArray<DriverEvent> => {
  const message = oneLine(text)
  return message === "" ? [] : [DriverEvent.Milestone({ message })]
}

const oneLine = (text: string): string => {
  const line = text
    .slice(0, 4 * milestoneLength)
    .replace(/[\s\p{Cc}]+/gu, " ")
    .trim()
  if (line.length <= milestoneLength) return line
  // Half of a surrogate pair must not be left at the cut.
  return `${line.slice(0, milestoneLength - 1).replace(/[\uD800-\uDBFF]$/, "")}…`
}

/** After what an agent tries again, and how often, for a milestone. */
export const retrying = (
  because: string,
  attempt: number | undefined,
  attempts: number | undefined,
): string => {
  const count =
    attempt === undefined ? "" : ` (attempt ${attempt}${attempts === undefined ? "" : ` of ${attempts}`})`
  return `retrying${because === "" ? "" : `: ${oneLine(because)}`}${count}`
}

/**
 * An error that was told and not followed by an end counts, unless the agent was ended from outside: then that is the
 * reason, and the error may have been overcome. Exit codes above 128 stand for signals.
 */
export const unlessEnded = (exit: AgentExit, error: string | undefined): string | undefined =>
  exit.code !== undefined && exit.code <= 128 ? error : undefined

/** What to say when a line that the answer may have been in was dropped for its length. */
export const overlong = (exit: AgentExit): string =>
  exit.overlongLines === 0
    ? "the end of the agent's last message is missing"
    : `${exit.overlongLines} of the agent's lines were longer than the driver's maxLineBytes and have been dropped; ` +
      "the answer may be among them"

/** An outcome, without the fields that are unknown. */
export const outcomeOf = (parts: {
  readonly final: boolean
  readonly text: string
  readonly sessionRef?: string | undefined
  readonly stopReason?: string | undefined
  readonly errorMessage?: string | undefined
  readonly usage?: Usage | undefined
}): AgentOutcome => ({
  final: parts.final,
  text: parts.text,
  ...(parts.sessionRef === undefined ? {} : { sessionRef: parts.sessionRef }),
  ...(parts.stopReason === undefined ? {} : { stopReason: parts.stopReason }),
  ...(parts.errorMessage === undefined ? {} : { errorMessage: parts.errorMessage }),
  ...(parts.usage === undefined ? {} : { usage: parts.usage }),
})
