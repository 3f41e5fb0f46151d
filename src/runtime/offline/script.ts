/** Decides what the offline agent does for a request. The script depends on the request alone. */
import { Hash } from "effect"
import type { JsonlSpawn } from "../../codecs/jsonl.codec.ts"
import { parsePrompt, OfflineStep } from "./directives.ts"

const quotedLength = 80

/** The model that the offline agent reports if the spawn names none. */
const offlineModel = "offline"

/** Quotes the task without directives: the answer may become part of another prompt, which must not repeat them. */
const writeAnswer = ({ agent, model }: JsonlSpawn, task: string): string => {
  const characters = [...task]
  const quoted =
    characters.length <= quotedLength ? task : `${characters.slice(0, quotedLength - 1).join("")}…`
  const end = task === "" ? "There was no task." : `Task: "${quoted}"`
  return `This is ${agent}, rehearsing offline: ${model ?? "no model"} was ${model === undefined ? "" : "not "}called. ${end}`
}

/** Estimates tokens at four characters each. */
const countTokens = (text: string): number => Math.ceil(text.length / 4)

const hash = (text: string): string => (Hash.string(text) >>> 0).toString(16).padStart(8, "0")

/** Makes the script for a request: the steps in order, and the exit code after them. */
export const makeScript = (request: JsonlSpawn) => {
  const { agent, model, prompt, systemPrompt } = request
  const identity = JSON.stringify([agent, model, systemPrompt, prompt])
  const sessionRef = `offline-${hash(identity)}${hash(`${identity}/`)}`
  const steps: Array<OfflineStep> = [OfflineStep.Print({ line: { type: "session", sessionRef } })]
  const { directives, task } = parsePrompt(prompt)
  const exitCode = directives.findLast(
    (directive) => !directive.isLast && directive.exitCode !== undefined,
  )?.exitCode
  let answer = ""
  const say = (text: string) => {
    answer += text
    steps.push(OfflineStep.Print({ line: { type: "text", text } }))
  }
  let isAnswered = false
  for (const directive of directives) {
    if (directive.step !== undefined) steps.push(directive.step)
    if (directive.text !== undefined) {
      say(isAnswered ? `\n${directive.text}` : directive.text)
      isAnswered = true
    }
    if (directive.isLast) return { steps, exitCode: directive.exitCode ?? exitCode ?? 0 }
  }
  if (!isAnswered) say(writeAnswer(request, task))
  const inputTokens = countTokens(systemPrompt + prompt)
  const usage = { inputTokens, outputTokens: countTokens(answer), costUsd: 0 }
  steps.push(
    OfflineStep.Print({ line: { type: "result", stopReason: "stop", usage, model: model ?? offlineModel } }),
  )
  return { steps, exitCode: exitCode ?? 0 }
}
