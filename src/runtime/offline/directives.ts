/**
 * The directives that a prompt may hold for the offline agent, in square brackets. They are carried out in order:
 *
 *     [say TEXT]            answers TEXT instead of the default answer; repeat it for more lines
 *     [json VALUE]          answers with this JSON value
 *     [tool NAME INPUT]     reports a tool call; INPUT is optional
 *     [milestone TEXT]      reports a milestone
 *     [sleep SECONDS]       waits
 *     [noise LINES]         prints lines that are not part of the protocol
 *     [stderr BYTES]        writes to standard error
 *     [fail MESSAGE]        reports an error instead of an answer; the exit code stays 0
 *     [exit CODE]           sets the exit code
 *     [crash]               exits at once with code 137, without an answer
 *     [hang]                never ends
 *
 * Brackets inside a directive nest; escape others as `\[` and `\]`. Other text in brackets, and directives with an invalid
 * argument, are plain text.
 */
import { Data, Option, Schema } from "effect"
import type { JsonlLine } from "../../codecs/jsonl.codec.ts"

export type OfflineStep = Data.TaggedEnum<{
  /** Prints a line of the protocol. */
  Print: { readonly line: JsonlLine }
  Sleep: { readonly seconds: number }
  Noise: { readonly lines: number }
  Stderr: { readonly bytes: number }
  Hang: {}
}>
export const OfflineStep = Data.taggedEnum<OfflineStep>()

export type Directive = {
  readonly step?: OfflineStep | undefined
  /** A part of the answer. */
  readonly text?: string | undefined
  readonly exitCode?: number | undefined
  /** Whether the agent ends here. */
  readonly isLast?: boolean | undefined
}

/** Turns the argument of a directive into what to do, unless the argument is invalid. */
type Parser = (argument: string) => Directive | undefined

/** The exit code that a shell reports for a process killed by SIGKILL. */
const killedCode = 137

const decodeJson = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Unknown))

const print = (line: JsonlLine): Directive => ({ step: OfflineStep.Print({ line }) })

/** Parses a number up to `max`, so that a typo does not fill a disk. */
const parseNumber =
  (max: number, toDirective: (value: number) => Directive, pattern = /^\d+$/): Parser =>
  (argument) =>
    pattern.test(argument) && Number(argument) <= max ? toDirective(Number(argument)) : undefined

const parseNothing =
  (directive: Directive): Parser =>
  (argument) =>
    argument === "" ? directive : undefined

const parsers: Readonly<Record<string, Parser>> = {
  say: (text) => ({ text }),
  json: (text) => (Option.isSome(decodeJson(text)) ? { text } : undefined),
  tool: (argument) => {
    const [, toolName, input] = /^(\S+)(?:\s+([^]*))?$/.exec(argument) ?? []
    if (toolName === undefined) return undefined
    return print({ type: "tool_call", toolName, input: Option.getOrElse(decodeJson(input), () => input) })
  },
  milestone: (message) => (message === "" ? undefined : print({ type: "milestone", message })),
  sleep: parseNumber(86_400, (seconds) => ({ step: OfflineStep.Sleep({ seconds }) }), /^\d+(\.\d+)?$/),
  noise: parseNumber(10_000_000, (lines) => ({ step: OfflineStep.Noise({ lines }) })),
  stderr: parseNumber(1_000_000_000, (bytes) => ({ step: OfflineStep.Stderr({ bytes }) })),
  fail: (message) => ({ ...print({ type: "error", message }), isLast: true }),
  exit: parseNumber(255, (exitCode) => ({ exitCode })),
  crash: parseNothing({ exitCode: killedCode, isLast: true }),
  hang: parseNothing({ step: OfflineStep.Hang(), isLast: true }),
}

const beginning = new RegExp(`^(${Object.keys(parsers).join("|")})(?![\\w-])\\s*`)
const longestBeginning = 16

/** Maps each opening bracket to the one that closes it. */
const pairBrackets = (prompt: string): ReadonlyMap<number, number> => {
  const open: Array<number> = []
  const pairs = new Map<number, number>()
  for (let index = 0; index < prompt.length; index += 1) {
    const character = prompt[index]
    const next = prompt[index + 1]
    if (character === "\\" && (next === "[" || next === "]")) index += 1
    else if (character === "[") open.push(index)
    else if (character === "]") {
      const start = open.pop()
      if (start !== undefined) pairs.set(start, index)
    }
  }
  return pairs
}

/** Splits a prompt into its directives, in order, and the task: the text without them, on one line. */
export const parsePrompt = (
  prompt: string,
): { readonly directives: ReadonlyArray<Directive>; readonly task: string } => {
  const pairs = pairBrackets(prompt)
  const directives: Array<Directive> = []
  let task = ""
  let from = 0
  for (
    let start = prompt.indexOf("[");
    start !== -1;
    start = prompt.indexOf("[", Math.max(start + 1, from))
  ) {
    const end = pairs.get(start)
    // Prompts are full of brackets: look at a few characters before copying the rest.
    const [head = "", name = ""] = beginning.exec(prompt.slice(start + 1, start + longestBeginning)) ?? []
    if (end === undefined || name === "") continue
    const argument = prompt.slice(start + 1 + head.length, end).trim()
    const directive = parsers[name]?.(argument.replace(/\\([[\]])/g, "$1"))
    if (directive === undefined) continue
    directives.push(directive)
    task += prompt.slice(from, start)
    from = end + 1
  }
  return { directives, task: (task + prompt.slice(from)).replace(/\s+/g, " ").trim() }
}
