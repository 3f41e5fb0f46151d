/**
 * Reads lines of JSON and turns them into events and outcomes, for all codecs. Nothing here fails: a line that
 * cannot be read does not belong to the dialect and is ignored.
 */
import { Effect, Option, Predicate, Result, Schema } from "effect"
import { cutText } from "../domain/cut-text.ts"
import { type AgentExit, DriverEvent } from "../domain/driver.schema.ts"
import type { Usage } from "../domain/spawn.schema.ts"

/** An optional field that is dropped if invalid, so that one invalid field does not make the whole line unreadable. */
export const ifValid = <S extends Schema.Constraint>(schema: S) =>
  Schema.optional(Schema.catchDecoding<S>(() => Effect.succeedNone)(schema))

/**
 * A number of tokens or an amount of money. Negative numbers are invalid, and so are implausibly large ones, whose sum could
 * become infinite.
 */
export const Amount = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }))

/**
 * Adds the usage of one more request or model to a total. Agents report zeros for a request that failed before its usage
 * was known, and a cost of 0 for a model whose price they do not know: such tokens and costs are unknown. A cost is known
 * only if all costs are.
 */
export const addUsage = (total: Usage | undefined, part: Usage): Usage | undefined => {
  const { cacheReadTokens: read, cacheWriteTokens: write, costUsd: cost } = part
  if (part.inputTokens + part.outputTokens + (read ?? 0) + (write ?? 0) === 0) return total
  const costUsd = cost === 0 ? undefined : cost
  if (total === undefined) return { ...part, costUsd }
  return {
    inputTokens: total.inputTokens + part.inputTokens,
    outputTokens: total.outputTokens + part.outputTokens,
    cacheReadTokens: addKnown(total.cacheReadTokens, read),
    cacheWriteTokens: addKnown(total.cacheWriteTokens, write),
    costUsd: addKnown(total.costUsd, costUsd),
  }
}

const addKnown = (total: number | undefined, part: number | undefined): number | undefined =>
  total === undefined || part === undefined ? undefined : total + part

type TypedLine = { readonly type: string; readonly value: object }

const leadingType = /^\{"type":"([\w.]+)"/

/**
 * Parses a line if its type is one of `wanted`. Agents print many lines that a codec does not want, some of them many
 * megabytes long: a line that begins with another type is not parsed. `type` may also come later in the line.
 */
export const parseTypedLine = (line: string, wanted: ReadonlySet<string>): TypedLine | undefined => {
  const leading = leadingType.exec(line)?.[1]
  if (leading !== undefined && !wanted.has(leading)) return undefined
  const value = parseObject(line)
  if (value === undefined || !("type" in value) || typeof value.type !== "string") return undefined
  return wanted.has(value.type) ? { type: value.type, value } : undefined
}

/** The next state of a fold, and the events of the line. */
export type Step<State> = readonly [State, ReadonlyArray<DriverEvent>]

/** A fold over lines of the wanted types. All other lines are ignored. */
export const foldTypedLines =
  <State>(wanted: ReadonlySet<string>, step: (state: State, line: TypedLine) => Step<State>) =>
  (state: State, line: string): Step<State> => {
    const typed = parseTypedLine(line, wanted)
    return typed === undefined ? [state, []] : step(state, typed)
  }

/** Applies `step` to a decoded line. A line that could not be decoded changes nothing. */
export const applyDecoded = <State, Line>(
  state: State,
  line: Option.Option<Line>,
  step: (line: Line) => Step<State>,
): Step<State> => (Option.isSome(line) ? step(line.value) : [state, []])

/** Parses a line that holds a JSON object. */
export const parseObject = (line: string): object | undefined => {
  const json = line.trimStart()
  return json.startsWith("{") ? parseJsonObject(json) : undefined
}

/** Parses a text as a JSON object. Any other text yields `undefined`. */
export const parseJsonObject = (text: string): object | undefined => {
  const value = Result.getOrUndefined(Result.try((): unknown => JSON.parse(text)))
  return Predicate.isObject(value) ? value : undefined
}

const decodeTextBlock = Schema.decodeUnknownOption(
  Schema.Struct({ type: Schema.Literal("text"), text: Schema.String }),
)

/** The texts of the text blocks in a message's content. */
export const readTexts = (content: ReadonlyArray<unknown> = []): ReadonlyArray<string> =>
  content.flatMap((block) => Option.toArray(Option.map(decodeTextBlock(block), ({ text }) => text)))

/** Formats a value: a string as it is, any other value as JSON. `undefined` if JSON cannot hold the value. */
export const formatJson = (value: unknown): string | undefined =>
  typeof value === "string"
    ? value
    : Result.getOrUndefined(Result.try((): string | undefined => JSON.stringify(value)))

export const makeToolCall = (toolName: string, input: unknown): DriverEvent =>
  DriverEvent.ToolCall({ toolName, input: formatJson(input) })

/** Records the first session that a line names, and reports it once. */
export const recordSession = <State extends { readonly sessionRef?: string | undefined }>(
  state: State,
  sessionRef: string | undefined,
): Step<State> =>
  state.sessionRef !== undefined || sessionRef === undefined
    ? [state, []]
    : [{ ...state, sessionRef }, [DriverEvent.Session({ sessionRef })]]

/** Maximum length of an answer that an agent prints over many lines. */
export const maxAnswerLength = 16 * 1024 * 1024

export const answerTooLong = `the answer is longer than ${maxAnswerLength} characters and was truncated`

/**
 * Adds to an answer, up to `maxAnswerLength`. JavaScript engines store such strings as ropes, so many additions stay cheap.
 */
export const addText = (answer: string, text: string): string =>
  answer + cutText(text, maxAnswerLength - answer.length)

/** Adds to the answer in a state, and records whether it was truncated. */
export const appendText = <State extends { readonly text: string; readonly cut: boolean }>(
  state: State,
  text: string,
): State => ({
  ...state,
  text: addText(state.text, text),
  cut: state.cut || state.text.length + text.length > maxAnswerLength,
})

const milestoneLength = 500

/** A milestone of one short line without control characters; none for a blank text. */
export const makeMilestone = (text: string): ReadonlyArray<DriverEvent> => {
  const message = toOneLine(text)
  return message === "" ? [] : [DriverEvent.Milestone({ message })]
}

const toOneLine = (text: string): string => {
  const line = text
    .slice(0, 4 * milestoneLength)
    .replace(/[\s\p{Cc}]+/gu, " ")
    .trim()
  return line.length <= milestoneLength ? line : `${cutText(line, milestoneLength - 1)}…`
}

/** The text of a milestone for an agent that retries: the reason, and the number of the attempt. */
export const formatRetry = (
  reason: string,
  attempt: number | undefined,
  attempts: number | undefined,
): string => {
  const count =
    attempt === undefined ? "" : ` (attempt ${attempt}${attempts === undefined ? "" : ` of ${attempts}`})`
  return `retrying${reason === "" ? "" : `: ${toOneLine(reason)}`}${count}`
}

/**
 * The agent's last error, unless the agent was killed from outside. Then the signal is the reason, and the agent may have
 * overcome the error. Exit codes above 128 stand for signals.
 */
export const keepErrorUnlessKilled = (exit: AgentExit, error: string | undefined): string | undefined =>
  exit.code !== undefined && exit.code <= 128 ? error : undefined

/** The error for an answer that may have been in a line dropped for its length. */
export const explainOverlong = (exit: AgentExit): string =>
  exit.overlongLines === 0
    ? "the end of the agent's last message is missing"
    : `mill dropped ${exit.overlongLines} ${exit.overlongLines === 1 ? "line" : "lines"} longer than the driver's maxLineBytes; ` +
      "the answer may be incomplete"
