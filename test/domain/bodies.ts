/** Events of every type, and a second, simple model of which events may follow which. */
import { Arbitrary } from "effect"
import {
  type EventBody,
  isRunTerminal,
  isSpawnTerminal,
  type MillEvent,
} from "../../src/domain/event.schema.ts"
import { RunId, makeSpawnId } from "../../src/domain/ids.schema.ts"
import { integer } from "../support/property.ts"

export const runId = RunId.make("run_01m7000000000000000000000x")
export const timestamp = "2026-11-20T12:00:00.000Z"

const input = { agent: "a", systemPrompt: "s", prompt: "p", model: "m" }
const known = { text: "t".repeat(300), agent: "a", model: "m", driver: "d", durationMs: 1 }
const result = {
  runId,
  status: "complete",
  startedAt: timestamp,
  completedAt: timestamp,
  spawns: [],
} as const

/** One body of each type; those of spawns belong to the `n`th spawn. */
export const bodies = (n: number): ReadonlyArray<EventBody> => {
  const spawnId = makeSpawnId(n)
  return [
    { type: "run:start", payload: { programPath: "/p.ts", planId: "plan" } },
    { type: "run:status", payload: { status: "running", cancelling: true } },
    { type: "run:log", payload: { message: "line one\nline two \u2028 é" } },
    { type: "extension:error", payload: { extensionName: "e", hook: "setup", message: "m" } },
    { type: "run:complete", payload: { result } },
    { type: "run:failed", payload: { message: "m", cause: "limit" } },
    { type: "run:cancelled", payload: {} },
    { type: "spawn:start", payload: { spawnId, input, key: "k", driver: "d" } },
    { type: "spawn:milestone", payload: { spawnId, message: "m" } },
    { type: "spawn:tool_call", payload: { spawnId, toolName: "t", input: "{}" } },
    { type: "spawn:complete", payload: { spawnId, result: { ...known, sessionRef: "r", exitCode: 0 } } },
    { type: "spawn:error", payload: { spawnId, message: "m", cause: "exit", result: known } },
    { type: "spawn:cancelled", payload: { spawnId, reason: "r" } },
  ]
}

export const spawnBodies = (n: number): ReadonlyArray<EventBody> => bodies(n).slice(7)

/** Any event, mostly of the first spawns, so that many are legal. */
export const anyBody = Arbitrary.map(
  Arbitrary.all([integer(0, 17), integer(1, 3)]),
  ([kind, n]): EventBody => {
    const all = bodies(n)
    return all[kind < all.length ? kind : kind - 10] ?? { type: "run:log", payload: { message: "" } }
  },
)

/** Any events, usually after a start of the run. */
export const anyBodies = Arbitrary.map(
  Arbitrary.all([Arbitrary.array(anyBody, { maxLength: 40 }), integer(0, 3)]),
  ([events, start]): ReadonlyArray<EventBody> =>
    start === 0 ? events : [...bodies(1).slice(0, 1), ...events],
)

/** A model of the events that a log may hold, independent of the fold. */
export class Model {
  status: "pending" | "running" | "ended" = "pending"
  readonly running = new Set<string>()
  readonly ended = new Set<string>()

  /** Adds the event if it is legal, and returns whether it is. */
  accept(body: EventBody): boolean {
    if (!this.allows(body)) return false
    if (body.type === "run:start") this.status = "running"
    else if (endsRun(body)) this.status = "ended"
    else if (body.type === "spawn:start") this.running.add(body.payload.spawnId)
    else if (endsSpawn(body)) {
      this.running.delete(body.payload.spawnId)
      this.ended.add(body.payload.spawnId)
    }
    return true
  }

  private allows(body: EventBody): boolean {
    if (this.status === "ended") return false
    if (body.type === "run:start") return this.status === "pending"
    // A run that could not start may fail or be cancelled.
    if (body.type === "run:failed" || body.type === "run:cancelled") return this.running.size === 0
    if (this.status === "pending") return false
    if (body.type === "run:complete") return this.running.size === 0
    if (body.type === "spawn:start")
      return !this.running.has(body.payload.spawnId) && !this.ended.has(body.payload.spawnId)
    return "spawnId" in body.payload ? this.running.has(body.payload.spawnId) : true
  }
}

const endsRun = (body: EventBody) =>
  body.type.startsWith("run:") && /complete|failed|cancelled/.test(body.type)
type SpawnEnd = Extract<EventBody, { readonly type: "spawn:complete" | "spawn:error" | "spawn:cancelled" }>
const endsSpawn = (body: EventBody): body is SpawnEnd =>
  /^spawn:(?:complete|error|cancelled)$/.test(body.type)

/** The event for a body at a position in a log. */
export const eventOf = (body: EventBody, sequence: number): MillEvent => ({
  schemaVersion: 1,
  runId,
  sequence,
  timestamp,
  ...body,
})

/** Whether the run and each of its spawns end at most once, and nothing follows an end. */
export const endsOnce = (events: ReadonlyArray<MillEvent>): boolean => {
  const ended = new Set<string>()
  let over = false
  for (const event of events) {
    if (over) return false
    if ("spawnId" in event.payload && ended.has(event.payload.spawnId)) return false
    if (isSpawnTerminal(event)) ended.add(event.payload.spawnId)
    over = isRunTerminal(event)
  }
  return true
}
