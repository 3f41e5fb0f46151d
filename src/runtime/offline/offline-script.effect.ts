/**
 * What the offline agent does for a request, decided before anything is done. It depends on the request alone.
 *
 * A prompt may hold directives, in square brackets; they are carried out in the order in which they stand:
 *
 *     [say TEXT]            answers TEXT instead of the usual sentences; several are lines of one answer
 *     [json VALUE]          answers with this JSON value
 *     [tool NAME INPUT]     tells that a tool is used; INPUT may be missing
 *     [milestone TEXT]      tells a milestone
 *     [sleep SECONDS]       waits
 *     [noise LINES]         prints lines that are not of the protocol
 *     [stderr BYTES]        writes to standard error
 *     [fail MESSAGE]        ends with an error instead of an answer; the exit code is 0 all the same
 *     [exit CODE]           the exit code, once the answer or the error has been given
 *     [crash]               ends at once, without an answer, with the exit code of a process that was killed (137)
 *     [hang]                never ends
 *
 * Brackets within a directive nest; `\[` and `\]` are brackets that do not count. Whatever else stands in brackets is
 * plain text, and so is a directive that cannot be carried out as it stands.
 */
import { Data, Hash, Option, Schema } from "effect"
import type { JsonlLine, JsonlSpawn } from "../../codecs/jsonl.codec.ts"

export type Step = Data.TaggedEnum<{
  /** Prints a line of the protocol. */
  Print: { readonly line: JsonlLine }
  Sleep: { readonly seconds: number }
  Noise: { readonly lines: number }
  Stderr: { readonly bytes: number }
  Hang: {}
}>
export const Step = Data.taggedEnum<Step>()

/** What is done, one step after the other, and the exit code in the end. */
export type Script = { readonly steps: ReadonlyArray<Step>; readonly exitCode: number }

/** As a shell reports a process that was ended by SIGKILL. */
const killed = 137

const known = /^(say|json|tool|milestone|sleep|noise|stderr|fail|exit|crash|hang)(?![\w-])\s*/

const decodeJson = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Unknown))

/** The brackets that belong together: where each opening one is closed. */
const bracketPairs = (prompt: string): ReadonlyMap<number, number> => {
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

/** A number within bounds, so that a slip of the pen does not fill a disk. */
const numberOf = (text: string, most: number, whole: boolean): number | undefined => {
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN
  return value <= most && (!whole || Number.isInteger(value)) ? value : undefined
}

type Directive = {
  readonly steps?: ReadonlyArray<Step> | undefined
  readonly says?: string | undefined
  readonly exitCode?: number | undefined
  /** Nothing is done after it. */
  readonly ends?: boolean | undefined
}

const directiveOf = (name: string, given: string): Directive | undefined => {
  const counted = (most: number, then: (count: number) => Directive, whole = true) => {
    const count = numberOf(given, most, whole)
    return count === undefined ? undefined : then(count)
  }
  switch (name) {
    case "say":
      return { says: given }
    case "json":
      return Option.isSome(decodeJson(given)) ? { says: given } : undefined
    case "tool": {
      const [, toolName, input] = /^(\S+)(?:\s+([^]*))?$/.exec(given) ?? []
      if (toolName === undefined) return undefined
      const value =
        input === undefined ? {} : { input: Option.getOrElse(decodeJson(input), (): unknown => input) }
      return { steps: [Step.Print({ line: { type: "tool_call", toolName, ...value } })] }
    }
    case "milestone":
      return given === ""
        ? undefined
        : { steps: [Step.Print({ line: { type: "milestone", message: given } })] }
    case "sleep":
      return counted(86_400, (seconds) => ({ steps: [Step.Sleep({ seconds })] }), false)
    case "noise":
      return counted(10_000_000, (lines) => ({ steps: [Step.Noise({ lines })] }))
    case "stderr":
      return counted(1_000_000_000, (bytes) => ({ steps: [Step.Stderr({ bytes })] }))
    case "exit":
      return counted(255, (exitCode) => ({ exitCode }))
    case "fail":
      return { steps: [Step.Print({ line: { type: "error", message: given } })], ends: true }
    case "crash":
      return given === "" ? { exitCode: killed, ends: true } : undefined
    case "hang":
      return given === "" ? { steps: [Step.Hang()], ends: true } : undefined
    default:
      return undefined
  }
}

type Prompt = { readonly directives: ReadonlyArray<Directive>; readonly task: string }

/** A prompt's directives in order, and the prompt without them. */
const parse = (prompt: string): Prompt => {
  const pairs = bracketPairs(prompt)
  const directives: Array<Directive> = []
  let task = ""
  let from = 0
  for (
    let start = prompt.indexOf("[");
    start !== -1;
    start = prompt.indexOf("[", Math.max(start + 1, from))
  ) {
    const end = pairs.get(start)
    // Prompts are full of brackets: what does not begin like a directive is not looked at twice.
    const [head = "", name = ""] = known.exec(prompt.slice(start + 1, start + 16)) ?? []
    if (end === undefined || name === "") continue
    const given = prompt
      .slice(start + 1 + head.length, end)
      .trim()
      .replace(/\\([[\]])/g, "$1")
    const directive = directiveOf(name, given)
    if (directive === undefined) continue
    directives.push(directive)
    task += prompt.slice(from, start)
    from = end + 1
  }
  return { directives, task: (task + prompt.slice(from)).replace(/\s+/g, " ").trim() }
}

const quoted = 80

/**
 * What it says when it is not told what to say. The task is quoted without its directives, so that none is carried out
 * again when the answer becomes a part of another prompt.
 */
const usualAnswer = ({ agent, model }: JsonlSpawn, task: string): string => {
  const beginning = [...task].length <= quoted ? task : `${[...task].slice(0, quoted - 1).join("")}…`
  return (
    `This is ${agent}, rehearsing offline: ${model} has not been asked. ` +
    (beginning === "" ? "There was nothing to do." : `The task was: "${beginning}"`)
  )
}

/** About four characters make a token. */
const tokens = (...texts: ReadonlyArray<string>): number =>
  Math.ceil(texts.reduce((sum, text) => sum + text.length, 0) / 4)

const hex = (text: string): string => (Hash.string(text) >>> 0).toString(16).padStart(8, "0")

/** What the offline agent does for a request. */
export const scriptOf = (request: JsonlSpawn): Script => {
  const { agent, model, prompt, systemPrompt } = request
  const identity = JSON.stringify([agent, model, systemPrompt, prompt])
  const sessionRef = `offline-${hex(identity)}${hex(`${identity}/`)}`
  const steps: Array<Step> = [Step.Print({ line: { type: "session", sessionRef } })]
  const { directives, task } = parse(prompt)
  const exitCode =
    directives.findLast((directive) => directive.exitCode !== undefined && !directive.ends)?.exitCode ?? 0
  let answer: string | undefined
  const say = (text: string) => {
    const more = answer === undefined ? text : `\n${text}`
    answer = (answer ?? "") + more
    steps.push(Step.Print({ line: { type: "text", text: more } }))
  }
  for (const directive of directives) {
    steps.push(...(directive.steps ?? []))
    if (directive.says !== undefined) say(directive.says)
    if (directive.ends === true) return { steps, exitCode: directive.exitCode ?? exitCode }
  }
  if (answer === undefined) say(usualAnswer(request, task))
  const usage = { inputTokens: tokens(systemPrompt, prompt), outputTokens: tokens(answer ?? ""), costUsd: 0 }
  steps.push(Step.Print({ line: { type: "result", stopReason: "stop", usage } }))
  return { steps, exitCode }
}
