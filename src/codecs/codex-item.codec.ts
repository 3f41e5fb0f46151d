/**
 * The items in `item.started` and `item.completed` of `codex exec --json` (@openai/codex 0.169.0, `exec_events.rs`), and
 * the tool calls among them.
 */
import { Schema } from "effect"
import type { DriverEvent } from "../domain/driver.schema.ts"
import { ifValid, makeToolCall } from "./line.codec.ts"

/** A line with an item. The item's fields depend on its type. */
export const ItemLine = Schema.Struct({
  item: Schema.Struct({
    id: ifValid(Schema.String),
    type: Schema.String,
    /** Of `agent_message`. */
    text: ifValid(Schema.String),
    /** Of `error`, which is a warning. */
    message: ifValid(Schema.String),
    /** Of `command_execution`. */
    command: ifValid(Schema.String),
    /** Of `file_change`. */
    changes: Schema.optional(Schema.Unknown),
    /** Of `mcp_tool_call`; `tool` of `collab_tool_call` too. */
    server: ifValid(Schema.String),
    tool: ifValid(Schema.String),
    arguments: Schema.optional(Schema.Unknown),
    /** Of `collab_tool_call`. */
    prompt: ifValid(Schema.String),
    /** Of `web_search`; empty while it has only started. */
    query: ifValid(Schema.String),
  }),
})
export type Item = (typeof ItemLine.Type)["item"]

/** The tool call that an item stands for, if any, by the name that codex's model uses. */
export const readToolCall = (item: Item, completed: boolean): DriverEvent | undefined => {
  switch (item.type) {
    case "command_execution":
      return makeToolCall(item.type, item.command)
    case "file_change":
      return makeToolCall(item.type, item.changes)
    case "mcp_tool_call":
      return makeToolCall(`mcp__${item.server ?? ""}__${item.tool ?? ""}`, item.arguments)
    case "collab_tool_call":
      return makeToolCall(item.tool || item.type, item.prompt)
    case "web_search":
      return item.query || completed ? makeToolCall(item.type, item.query) : undefined
    default:
      return undefined
  }
}
