/**
 * The tool calls of an agent that speaks the Agent Client Protocol, each told once. An adapter may announce a call before
 * it knows the input (claude-agent-acp 0.100.0), or tell how it goes on without having announced it (gemini): a call is
 * held back until there is an input, or it goes on.
 */
import { HashMap, HashSet, Option } from "effect"
import type { DriverEvent } from "../domain/driver.schema.ts"
import type { ToolUpdate } from "./acp-message.codec.ts"
import { toolCall } from "./line.codec.ts"

/** Calls of which it is known that they have been told; twice as many at most. What is older is forgotten. */
const remembered = 1024

/** Calls that are held back at most. */
const maxHeld = 256

export type ToolCalls = {
  readonly recent: HashSet.HashSet<string>
  readonly older: HashSet.HashSet<string>
  readonly held: HashMap.HashMap<string, ToolUpdate>
}

export const noToolCalls: ToolCalls = {
  recent: HashSet.empty(),
  older: HashSet.empty(),
  held: HashMap.empty(),
}

const isEmpty = (input: unknown): boolean =>
  input === undefined ||
  input === null ||
  (typeof input === "object" && !Array.isArray(input) && Object.keys(input).length === 0)

/** Under the tool's name where that is told; otherwise under its kind, with the title for want of an input. */
const eventOf = ({ kind, name, rawInput, title, toolCallId }: ToolUpdate): DriverEvent => {
  const known = name ?? (kind === "other" ? undefined : kind)
  return toolCall(
    known ?? title ?? toolCallId,
    isEmpty(rawInput) ? (known === undefined ? undefined : title) : rawInput,
  )
}

const remember = (calls: ToolCalls, id: string): ToolCalls => {
  const held = HashMap.remove(calls.held, id)
  return HashSet.size(calls.recent) < remembered
    ? { ...calls, held, recent: HashSet.add(calls.recent, id) }
    : { held, recent: HashSet.make(id), older: calls.recent }
}

const merge = (before: ToolUpdate | undefined, now: ToolUpdate): ToolUpdate => ({
  ...before,
  ...now,
  ...(isEmpty(now.rawInput) && before !== undefined && !isEmpty(before.rawInput)
    ? { rawInput: before.rawInput }
    : {}),
})

/** What an update tells. `goesOn`: whether the call is known to go on, so that there is nothing to wait for. */
export const onToolUpdate = (
  calls: ToolCalls,
  update: ToolUpdate,
  goesOn = false,
): readonly [ToolCalls, ReadonlyArray<DriverEvent>] => {
  const { toolCallId: id } = update
  if (HashSet.has(calls.recent, id) || HashSet.has(calls.older, id)) return [calls, []]
  const call = merge(Option.getOrUndefined(HashMap.get(calls.held, id)), update)
  const waits = !goesOn && isEmpty(call.rawInput) && (call.status ?? "pending") === "pending"
  return waits && HashMap.size(calls.held) < maxHeld
    ? [{ ...calls, held: HashMap.set(calls.held, id, call) }, []]
    : [remember(calls, id), [eventOf(call)]]
}

/** The calls that are still held back, at the end of the turn. */
export const heldCalls = (calls: ToolCalls): ReadonlyArray<DriverEvent> =>
  [...HashMap.values(calls.held)].map(eventOf)
