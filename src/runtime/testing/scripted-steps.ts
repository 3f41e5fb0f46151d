/** Turns the answer of a test's agent into the steps of the agent's process. */
import { Cause, Exit, Result } from "effect"
import type { JsonlLine } from "../../codecs/jsonl.codec.ts"
import { findJsonProblem } from "../../domain/json-problem.ts"
import { ScriptedResult, type ScriptedStep } from "../../domain/scripted-agent.schema.ts"
import { decodeUntrusted, formatProblem } from "../../domain/untrusted.ts"

type Steps = ReadonlyArray<ScriptedStep>

const decodeResult = decodeUntrusted(ScriptedResult, { whole: "the answer" })

const print = (line: JsonlLine): ScriptedStep => ({ _tag: "Print", line: JSON.stringify(line) })

const fail = (message: string): Steps => [print({ type: "error", message }), { _tag: "Exit", code: 0 }]

/** The steps at the end of a result. After a hang there is no exit. */
const toLastSteps = (result: ScriptedResult): Steps => {
  const { crash, errorMessage, exitCode, hang, model, sessionRef, stopReason, text, usage } = result
  if (hang === true) return []
  if (crash === true) return [{ _tag: "Crash" }]
  const exit: ScriptedStep = { _tag: "Exit", code: exitCode ?? 0 }
  if (errorMessage !== undefined) return [print({ type: "error", message: errorMessage }), exit]
  if (exitCode !== undefined && text === undefined) return [exit]
  return [print({ type: "result", text: text ?? "", sessionRef, stopReason, usage, model }), exit]
}

const toSteps = (result: ScriptedResult): Steps => [
  ...(result.stderr === undefined ? [] : [{ _tag: "Complain" as const, text: result.stderr }]),
  ...(result.toolCalls ?? []).map(({ input, toolName }) => print({ type: "tool_call", toolName, input })),
  ...(result.milestones ?? []).map((message) => print({ type: "milestone", message })),
  ...toLastSteps(result),
]

const findInputsProblem = ({ toolCalls = [] }: ScriptedResult): string | undefined => {
  for (const [index, { input }] of toolCalls.entries()) {
    const problem = input === undefined ? undefined : findJsonProblem(input)
    if (problem !== undefined) return `toolCalls.${index}.input is not JSON: ${problem}`
  }
  return undefined
}

/** Writes the steps for an agent's answer. Reading the answer may throw: it is whatever the test returned. */
export const writeSteps = (answer: Exit.Exit<unknown, Error>): Steps => {
  if (Exit.isFailure(answer)) {
    const error = Cause.squash(answer.cause)
    return fail(error instanceof Error ? error.message : String(error))
  }
  const value = typeof answer.value === "string" ? { text: answer.value } : answer.value
  const decoded = decodeResult(value)
  if (Result.isSuccess(decoded)) {
    const problem = findInputsProblem(decoded.success)
    return problem === undefined ? toSteps(decoded.success) : fail(`the test's agent: ${problem}`)
  }
  return fail(`the test's agent: ${formatProblem(decoded.failure)}`)
}

/** The steps for an answer that throws when it is read. */
export const unreadableAnswer: Steps = fail(
  "the test's agent: the answer cannot be read: accessing its properties throws an error",
)
