/** The fold over a run's events accepts legal events, refuses all others and counts correctly. */
import { describe, expect, test } from "bun:test"
import { HashMap, Result } from "effect"
import type { EventBody, MillEvent } from "../../src/domain/event.schema.ts"
import { applyEvent, initialRunState, type RunState, textLimit } from "../../src/domain/run-state.schema.ts"
import { property } from "../support/property.ts"
import { anyBodies, bodies, endsOnce, eventOf, Model, spawnBodies } from "./bodies.ts"

/** Applies every event that the fold accepts. */
const fold = (all: ReadonlyArray<EventBody>) => {
  const accepted: Array<MillEvent> = []
  const refusals: Array<string> = []
  let state: RunState = initialRunState
  for (const body of all) {
    const event = eventOf(body, state.sequence + 1)
    const next = applyEvent(state, event)
    if (Result.isSuccess(next)) {
      accepted.push(event)
      state = next.success
    } else refusals.push(next.failure.message)
  }
  return { accepted, refusals, state }
}

property("the fold accepts what the model accepts, and counts the same", anyBodies, (all) => {
  const model = new Model()
  const expected = all.filter((body) => model.accept(body))
  const { accepted, state } = fold(all)
  const { cancelled, complete, error, running, started } = state.counts
  return (
    Bun.deepEquals(
      accepted.map(({ payload, type }) => ({ type, payload })),
      expected,
    ) &&
    state.sequence === expected.length &&
    running === model.running.size &&
    complete + error + cancelled === model.ended.size &&
    started === running + model.ended.size &&
    HashMap.size(state.spawns) === started
  )
})

property("a run and each of its spawns end at most once, and nothing follows an end", anyBodies, (all) =>
  endsOnce(fold(all).accepted),
)

property("refused events change nothing", anyBodies, (all) => {
  const { accepted, state } = fold(all)
  const again = fold(accepted)
  return again.refusals.length === 0 && Bun.deepEquals(again.state, state)
})

const [start, , log, , complete, failed, cancelled] = bodies(1)
const [spawn1, milestone1, , complete1, error1] = spawnBodies(1)
const of = (...all: ReadonlyArray<EventBody | undefined>) => fold(all.filter((body) => body !== undefined))

describe("a refusal gives the reason", () => {
  test.each([
    ["before the start", [log], "event run:log was rejected: the run has not started"],
    ["completing before the start", [complete], "event run:complete was rejected: the run has not started"],
    ["a second start", [start, start], "event run:start was rejected: the run has already started"],
    [
      "a second end",
      [start, complete, failed],
      "event run:failed was rejected: the run has already ended (complete)",
    ],
    [
      "an event after the end",
      [start, cancelled, log],
      "event run:log was rejected: the run has already ended (cancelled)",
    ],
    [
      "an end while a spawn runs",
      [start, spawn1, failed],
      "event run:failed was rejected: spawns are still running (1)",
    ],
    [
      "a spawn that starts twice",
      [start, spawn1, spawn1],
      "event spawn:start was rejected: spawn_1 has already started",
    ],
    [
      "a spawn that never started",
      [start, milestone1],
      "event spawn:milestone was rejected: spawn_1 has not started",
    ],
    [
      "a spawn that ends twice",
      [start, spawn1, complete1, error1],
      "event spawn:error was rejected: spawn_1 has already ended (complete)",
    ],
  ] as const)("%s", (_, all, message) => {
    expect(of(...all).refusals).toEqual([message])
  })
  test("a gap in the sequence numbers", () => {
    const next = applyEvent(initialRunState, eventOf({ type: "run:log", payload: { message: "" } }, 3))
    expect(Result.isFailure(next) && next.failure.message).toMatch(/sequence number 3 cannot follow 0/)
  })
})

test("the state keeps only the beginning of an answer", () => {
  const { state } = of(start, spawn1, complete1)
  const texts = Array.from(HashMap.values(state.spawns), ({ result }) => result?.text)
  expect(texts).toEqual(["t".repeat(textLimit)])
})

test("a run is marked as cancelling until it has ended", () => {
  const cancelling = bodies(1)[1]
  expect(of(start, cancelling).state).toMatchObject({ status: "running", cancelling: true })
  expect(of(start, cancelling, cancelled).state).toMatchObject({ status: "cancelled", cancelling: false })
})
