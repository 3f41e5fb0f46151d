/**
 * Decides what the model answers. Directives in the prompt are the script; without any, the answer is `ECHO: <prompt>`.
 *
 *   [say TEXT]         answer exactly TEXT                    [empty]        answer nothing
 *   [long N]           answer N KiB in lines of 64 bytes      [stop length]  end with the stop reason of the length limit
 *   [tool:bash CMD]    call the agent's shell tool with CMD first, then add its result to the answer; one call per
 *                      turn. Write `\]` for `]` in CMD
 *   [error CODE]       fail with this HTTP status             [error CODE xN]  only the first N times this prompt is sent
 *   [delay MS]         wait in the middle of the answer       [hang]         stop in the middle until the client goes away
 *   [cut]              break the connection in the middle     [retry-after X]  send this header with an error
 */
import { type ModelCall, readField, readString, type Tool } from "./model-server.read.ts"

export interface ToolCall {
  readonly name: string
  readonly input: Record<string, string>
}

/** What happens in the middle of the answer's text. */
export type Pause =
  | { readonly kind: "delay"; readonly milliseconds: number }
  | { readonly kind: "hang" }
  | { readonly kind: "cut" }

export interface Answer {
  readonly text: string
  readonly toolCall?: ToolCall
  readonly stop: "end" | "tool" | "length"
  readonly pause?: Pause
}

const shellTools = ["Bash", "bash", "exec_command", "shell_command", "shell"]

/** Makes a call of the agent's shell tool and fills in every other required argument. */
const makeShellCall = (tools: ReadonlyArray<Tool>, command: string): ToolCall | undefined => {
  const tool = tools.find(({ name }) => shellTools.includes(name))
  if (tool === undefined) return undefined
  const argument = readField(readField(tool.schema, "properties"), "cmd") === undefined ? "command" : "cmd"
  const required = readField(tool.schema, "required")
  const names = Array.isArray(required) ? required.map(readString) : []
  return {
    name: tool.name,
    input: { ...Object.fromEntries(names.map((name) => [name, "-"])), [argument]: command },
  }
}

const readCommands = (prompt: string): ReadonlyArray<string> =>
  [...prompt.matchAll(/\[tool:bash ((?:\\\]|[^\]])*)\]/g)].map((match) =>
    (match[1] ?? "").replaceAll("\\]", "]"),
  )

const readPause = (prompt: string): Pause | undefined => {
  const delay = /\[delay (\d+)\]/.exec(prompt)?.[1]
  if (delay !== undefined) return { kind: "delay", milliseconds: Number(delay) }
  if (prompt.includes("[hang]")) return { kind: "hang" }
  return prompt.includes("[cut]") ? { kind: "cut" } : undefined
}

const makeLongText = (kibibytes: number): string => {
  const line = (index: number) =>
    `${String(index).padStart(8, "0")} ${"abcdefghijklmnopqrstuvwxyz".repeat(3).slice(0, 54)}\n`
  return Array.from({ length: kibibytes * 16 }, (_, index) => line(index + 1)).join("")
}

const makeText = (prompt: string): string => {
  const long = /\[long (\d+)\]/.exec(prompt)?.[1]
  if (long !== undefined) return makeLongText(Number(long))
  if (prompt.includes("[empty]")) return ""
  return /\[say ([^\]]*)\]/.exec(prompt)?.[1] ?? `ECHO: ${prompt}`
}

/**
 * Finds the HTTP status that the last line of the prompt asks for the nth time the prompt is sent. claude sends the prompt
 * of a failed turn again, before the next one.
 */
export const findFailure = (prompt: string, nth: number): number | undefined => {
  const match = /\[error (\d{3})(?: x(\d+))?\]/.exec(prompt.split("\n").at(-1) ?? "")
  if (match === null || nth > Number(match[2] ?? Infinity)) return undefined
  return Number(match[1])
}

/** Finds the Retry-After header that the prompt asks for. */
export const findRetryAfter = (prompt: string): string | undefined =>
  /\[retry-after ([^\]]*)\]/.exec(prompt)?.[1]

export const makeAnswer = (call: ModelCall): Answer => {
  const commands = readCommands(call.prompt)
  const next = commands[call.toolResults.length]
  if (next !== undefined && call.tools.length > 0) {
    const toolCall = makeShellCall(call.tools, next)
    if (toolCall !== undefined) return { text: "", toolCall, stop: "tool" }
    return { text: `NO SHELL TOOL AMONG: ${call.tools.map(({ name }) => name).join(" ")}`, stop: "end" }
  }
  const results = commands.length === 0 ? [] : call.toolResults
  const text = [makeText(call.prompt), ...results.map((result, i) => `TOOL RESULT ${i + 1}: ${result}`)].join(
    "\n",
  )
  const pause = readPause(call.prompt)
  return {
    text,
    stop: call.prompt.includes("[stop length]") ? "length" : "end",
    ...(pause === undefined ? {} : { pause }),
  }
}
