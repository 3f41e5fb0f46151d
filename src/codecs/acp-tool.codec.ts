/**
 * The tool calls of an agent that speaks the Agent Client Protocol, each reported once. An adapter may announce a call
 * before it knows the input (claude-agent-acp 0.100.0), or update a call that it never announced (gemini). So a call is
 * held until its input arrives or the call proceeds.
 */
import { HashMap, HashSet, Option, Predicate } from "effect"
import type { DriverEvent } from "../domain/driver.schema.ts"
import type { ToolUpdate } from "./acp-message.codec.ts"
import { makeToolCall } from "./line.codec.ts"

/** Number of reported calls in `recent`, and in `older`. Calls before those are forgotten. */
const maxRemembered = 1024

/** Maximum number of held calls. */
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
  input === undefined || input === null || (Predicate.isObject(input) && Object.keys(input).length === 0)

/** Names the call by the tool, else by the kind of tool. The title serves as input if there is none. */
const makeToolEvent = ({ kind, name, rawInput, title, toolCallId }: ToolUpdate): DriverEvent => {
  const known = name ?? (kind === "other" ? undefined : kind)
  return makeToolCall(
    known ?? title ?? toolCallId,
    isEmpty(rawInput) ? (known === undefined ? undefined : title) : rawInput,
  )
}

const remember = (calls: ToolCalls, id: string): ToolCalls => {
  const held = HashMap.remove(calls.held, id)
  return HashSet.size(calls.recent) < maxRemembered
    ? { ...calls, held, recent: HashSet.add(calls.recent, id) }
    : { held, recent: HashSet.make(id), older: calls.recent }
}

/** The update's fields win, except an empty input over a known one. */
const merge = (before: ToolUpdate | undefined, now: ToolUpdate): ToolUpdate => ({
  ...before,
  ...now,
  rawInput: isEmpty(now.rawInput) ? (before?.rawInput ?? now.rawInput) : now.rawInput,
})

/** Applies an update and returns the call, unless it is held. `proceeds` means that there is nothing to wait for. */
export const applyToolUpdate = (
  calls: ToolCalls,
  update: ToolUpdate,
  proceeds = false,
): readonly [ToolCalls, ReadonlyArray<DriverEvent>] => {
  const { toolCallId: id } = update
  if (HashSet.has(calls.recent, id) || HashSet.has(calls.older, id)) return [calls, []]
  const call = merge(Option.getOrUndefined(HashMap.get(calls.held, id)), update)
  const waits = !proceeds && isEmpty(call.rawInput) && (call.status ?? "pending") === "pending"
  return waits && HashMap.size(calls.held) < maxHeld
    ? [{ ...calls, held: HashMap.set(calls.held, id, call) }, []]
    : [remember(calls, id), [makeToolEvent(call)]]
}

/** The calls that are still held at the end of the turn. */
export const releaseHeldCalls = (calls: ToolCalls): ReadonlyArray<DriverEvent> =>
  [...HashMap.values(calls.held)].map(makeToolEvent)
