/**
 * Reads a request of one of the model APIs into one shape: Anthropic Messages (claude), OpenAI Responses (codex) and
 * OpenAI Chat Completions (pi), as the versions in test/agents/package.json send them.
 */

export type Api = "messages" | "responses" | "chat"

export interface Tool {
  readonly name: string
  readonly schema: unknown
}

export interface Turn {
  readonly role: "user" | "agent" | "tool"
  readonly text: string
}

export interface ModelCall {
  readonly api: Api
  readonly model: string
  readonly stream: boolean
  /** System and developer messages, joined by a blank line. */
  readonly system: string
  /** The last thing that the user said, without what the agent itself wrapped around it. */
  readonly prompt: string
  /** What was said before that, by whom, oldest first. */
  readonly history: ReadonlyArray<string>
  /** What the tools gave since then. */
  readonly toolResults: ReadonlyArray<string>
  readonly tools: ReadonlyArray<Tool>
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null
export const field = (value: unknown, name: string): unknown => (isRecord(value) ? value[name] : undefined)
export const list = (value: unknown): ReadonlyArray<unknown> => (Array.isArray(value) ? value : [])
export const string = (value: unknown): string => (typeof value === "string" ? value : "")

/** Text of a content field: a string, or a list of parts of which some carry text. */
const textOf = (content: unknown): string =>
  typeof content === "string"
    ? content
    : list(content)
        .map((part) => (typeof part === "string" ? part : string(field(part, "text"))))
        .filter((text) => text !== "")
        .join("\n")

const contextTags = [
  "system-reminder",
  "environment_context",
  "user_instructions",
  "permissions instructions",
  "skills_instructions",
]
const contextBlocks = new RegExp(contextTags.map((tag) => `<${tag}>[\\s\\S]*?</${tag}>`).join("|"), "g")

/** What a user message says besides the context that an agent adds to it; empty where it is nothing but context. */
const spoken = (text: string): string => text.replace(contextBlocks, "").trim()

interface Conversation {
  readonly system: Array<string>
  readonly turns: Array<Turn>
}

const addMessage = (into: Conversation, role: unknown, content: unknown): void => {
  if (role === "system" || role === "developer") into.system.push(textOf(content))
  else if (role === "assistant") into.turns.push({ role: "agent", text: textOf(content) })
  else if (role === "tool") into.turns.push({ role: "tool", text: textOf(content) })
  else if (role === "user") {
    for (const part of list(content)) {
      if (field(part, "type") === "tool_result")
        into.turns.push({ role: "tool", text: textOf(field(part, "content")) })
    }
    const text = spoken(textOf(content))
    if (text !== "") into.turns.push({ role: "user", text })
  }
}

const conversationOf = (api: Api, body: unknown): Conversation => {
  const into: Conversation = { system: [], turns: [] }
  if (api !== "responses") {
    into.system.push(textOf(field(body, "system")))
    for (const message of list(field(body, "messages")))
      addMessage(into, field(message, "role"), field(message, "content"))
    return into
  }
  into.system.push(string(field(body, "instructions")))
  for (const item of list(field(body, "input"))) {
    if (field(item, "type") === "function_call_output") {
      into.turns.push({ role: "tool", text: textOf(field(item, "output")) })
    } else addMessage(into, field(item, "role"), field(item, "content"))
  }
  return into
}

const toolOf = (tool: unknown): Tool => ({
  name: string(field(tool, "name")) || string(field(field(tool, "function"), "name")),
  schema:
    field(tool, "input_schema") ?? field(tool, "parameters") ?? field(field(tool, "function"), "parameters"),
})

export const readCall = (api: Api, body: unknown): ModelCall => {
  const { system, turns } = conversationOf(api, body)
  const asked = turns.findLastIndex((turn) => turn.role === "user")
  return {
    api,
    model: string(field(body, "model")),
    stream: field(body, "stream") === true,
    system: system.filter((text) => text !== "").join("\n\n"),
    prompt: turns[asked]?.text ?? "",
    history: turns.slice(0, Math.max(0, asked)).map(({ role, text }) => `${role}: ${text}`),
    toolResults: turns
      .slice(asked + 1)
      .filter((turn) => turn.role === "tool")
      .map((turn) => turn.text),
    tools: list(field(body, "tools")).map(toolOf),
  }
}
