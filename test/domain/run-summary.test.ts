/** Summaries of a run: unknown usage never counts as zero, and spawns are in order of start. */
import { describe, expect, test } from "bun:test"
import { Result } from "effect"
import type { EventBody } from "../../src/domain/event.schema.ts"
import { makeSpawnId } from "../../src/domain/ids.schema.ts"
import { initialRunState, type RunState, transition } from "../../src/domain/run-state.schema.ts"
import { listSpawns, makeRunResult, summarizeSpawn, sumUsage } from "../../src/domain/run-summary.ts"
import type { Usage } from "../../src/domain/spawn.schema.ts"
import { bodies, runId, spawnBodies, timestamp } from "./bodies.ts"

const foldBodies = (all: ReadonlyArray<EventBody | undefined>): RunState =>
  all.reduce<RunState>(
    (state, body) => (body === undefined ? state : Result.getOrThrow(transition(state, body, timestamp))),
    initialRunState,
  )

/** A run whose spawns ended with these usages; `undefined` for an agent that reported none. */
const withUsages = (...usages: ReadonlyArray<Usage | undefined>) =>
  foldBodies([
    bodies(1)[0],
    ...usages.flatMap((usage, index): ReadonlyArray<EventBody | undefined> => {
      const spawnId = makeSpawnId(index + 1)
      const known = {
        text: "",
        agent: "a",
        model: "m",
        driver: "d",
        durationMs: 1,
        sessionRef: "r",
        exitCode: 0,
      }
      const result = { ...known, usage }
      return [spawnBodies(index + 1)[0], { type: "spawn:complete", payload: { spawnId, result } }]
    }),
  ])

describe("the usage of a run", () => {
  const tokens = { inputTokens: 10, outputTokens: 1 }
  test("is unknown when no spawn reported any", () => {
    expect(sumUsage(withUsages())).toBeUndefined()
    expect(sumUsage(withUsages(undefined, undefined))).toBeUndefined()
  })
  test("has a cost when every spawn reported one", () => {
    expect(sumUsage(withUsages({ ...tokens, costUsd: 0.5 }, { ...tokens, costUsd: 0 }))).toEqual({
      inputTokens: 20,
      outputTokens: 2,
      costUsd: 0.5,
    })
  })
  test("has a lower bound of the cost when only some spawns reported it, and counts those without usage", () => {
    expect(sumUsage(withUsages({ ...tokens, costUsd: 0.5 }, tokens, undefined))).toEqual({
      inputTokens: 20,
      outputTokens: 2,
      costUsdAtLeast: 0.5,
      spawnsWithoutUsage: 1,
    })
  })
  test("has cached tokens only when a spawn reported them", () => {
    expect(sumUsage(withUsages({ ...tokens, cacheReadTokens: 3 }, tokens))).toEqual({
      inputTokens: 20,
      outputTokens: 2,
      cacheReadTokens: 3,
    })
  })
})

test("spawns are in order of start beyond the ninth", () => {
  const spawns = Array.from({ length: 12 }, (_, index) => spawnBodies(12 - index)[0])
  const state = foldBodies([bodies(1)[0], ...spawns])
  expect(listSpawns(state).map(({ spawnId }) => `${spawnId}`)).toEqual(
    Array.from({ length: 12 }, (_, index) => `spawn_${index + 1}`),
  )
})

test("the result has full texts where given, and what is known of every spawn", () => {
  const [, , , complete1] = spawnBodies(1)
  const [, , , , error2] = spawnBodies(2)
  const state = foldBodies([bodies(1)[0], spawnBodies(1)[0], spawnBodies(2)[0], complete1, error2])
  const whole = new Map([[makeSpawnId(1), "whole"]])
  const { spawns, ...result } = makeRunResult(runId, state, "failed", timestamp, whole)
  expect(result).toEqual({ runId, status: "failed", startedAt: timestamp, completedAt: timestamp })
  expect(spawns.map(({ errorMessage, status, text }) => [status, text, errorMessage])).toEqual([
    ["complete", "whole", undefined],
    ["error", "t".repeat(200), "m"],
  ])
})

test("a summary of a spawn has no key for what is unknown", () => {
  const [spawn] = listSpawns(withUsages(undefined))
  expect(spawn && Object.keys(summarizeSpawn(runId, spawn, Date.parse(timestamp))).sort()).toEqual([
    "agent",
    "driver",
    "durationMs",
    "exitCode",
    "model",
    "sessionRef",
    "spawnId",
    "startedAt",
    "status",
    "text",
  ])
})
