/**
 * Decodes a request to Anthropic Messages (claude), OpenAI Responses (codex) or OpenAI Chat Completions (pi), as the
 * versions in test/agents/package.json send them.
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
  /** The user's last message, without the context that the agent added. */
  readonly prompt: string
  /** The messages before the prompt, each with its role, oldest first. */
  readonly history: ReadonlyArray<string>
  /** The tool results after the prompt. */
  readonly toolResults: ReadonlyArray<string>
  readonly tools: ReadonlyArray<Tool>
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null
export const readField = (value: unknown, name: string): unknown =>
  isRecord(value) ? value[name] : undefined
export const readList = (value: unknown): ReadonlyArray<unknown> => (Array.isArray(value) ? value : [])
export const readString = (value: unknown): string => (typeof value === "string" ? value : "")

/** Reads the text of a content field: a string, or a list of parts of which some carry text. */
const readText = (content: unknown): string =>
  typeof content === "string"
    ? content
    : readList(content)
        .map((part) => (typeof part === "string" ? part : readString(readField(part, "text"))))
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

/** Removes the context that an agent adds to a user message. */
const stripContext = (text: string): string => text.replace(contextBlocks, "").trim()

interface Conversation {
  readonly system: Array<string>
  readonly turns: Array<Turn>
}

const addMessage = (into: Conversation, role: unknown, content: unknown): void => {
  if (role === "system" || role === "developer") into.system.push(readText(content))
  else if (role === "assistant") into.turns.push({ role: "agent", text: readText(content) })
  else if (role === "tool") into.turns.push({ role: "tool", text: readText(content) })
  else if (role === "user") {
    for (const part of readList(content)) {
      if (readField(part, "type") === "tool_result")
        into.turns.push({ role: "tool", text: readText(readField(part, "content")) })
    }
    const text = stripContext(readText(content))
    if (text !== "") into.turns.push({ role: "user", text })
  }
}

const readConversation = (api: Api, body: unknown): Conversation => {
  const into: Conversation = { system: [], turns: [] }
  if (api !== "responses") {
    into.system.push(readText(readField(body, "system")))
    for (const message of readList(readField(body, "messages")))
      addMessage(into, readField(message, "role"), readField(message, "content"))
    return into
  }
  into.system.push(readString(readField(body, "instructions")))
  for (const item of readList(readField(body, "input"))) {
    if (readField(item, "type") === "function_call_output") {
      into.turns.push({ role: "tool", text: readText(readField(item, "output")) })
    } else addMessage(into, readField(item, "role"), readField(item, "content"))
  }
  return into
}

const readTool = (tool: unknown): Tool => ({
  name: readString(readField(tool, "name")) || readString(readField(readField(tool, "function"), "name")),
  schema:
    readField(tool, "input_schema") ??
    readField(tool, "parameters") ??
    readField(readField(tool, "function"), "parameters"),
})

export const readCall = (api: Api, body: unknown): ModelCall => {
  const { system, turns } = readConversation(api, body)
  const asked = turns.findLastIndex((turn) => turn.role === "user")
  return {
    api,
    model: readString(readField(body, "model")),
    stream: readField(body, "stream") === true,
    system: system.filter((text) => text !== "").join("\n\n"),
    prompt: turns[asked]?.text ?? "",
    history: turns.slice(0, Math.max(0, asked)).map(({ role, text }) => `${role}: ${text}`),
    toolResults: turns
      .slice(asked + 1)
      .filter((turn) => turn.role === "tool")
      .map((turn) => turn.text),
    tools: readList(readField(body, "tools")).map(readTool),
  }
}
