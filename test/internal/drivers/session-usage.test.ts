import { describe, expect, test } from "bun:test"
import type { Usage } from "../../../src/domain/spawn.schema.ts"
import { makeSessionUsage } from "../../../src/internal/drivers/session-usage.ts"

const total = (turns: number, sessionRef = "s") => ({
  final: true,
  text: "",
  sessionRef,
  usage: { inputTokens: 100 * turns, outputTokens: 10 * turns, cacheReadTokens: turns, costUsd: turns },
  usageOfSession: true,
})
const own = total(1).usage
type Outcome = { final: boolean; text: string; sessionRef: string; usage?: Usage; usageOfSession?: boolean }
const failed: Outcome = { final: false, text: "", sessionRef: "s" }

describe("of an agent that reports the usage of a conversation", () => {
  const makeRun = () => {
    const usage = makeSessionUsage()
    /** One turn, from its start to its end. */
    const take = (sessionRef: string | undefined, outcome: Outcome) => {
      const turn = usage.start(sessionRef)
      const settled = turn.settle(outcome)
      turn.end()
      expect(settled).not.toHaveProperty("usageOfSession")
      return settled.usage
    }
    return { ...usage, take }
  }

  test("each turn has its own usage", () => {
    const { take } = makeRun()
    expect([take(undefined, total(1)), take("s", total(2)), take("s", total(3))]).toEqual([own, own, own])
  })
  test("a negative total is unknown, as is the turn after it", () => {
    const { take } = makeRun()
    take(undefined, { ...total(1), usage: { ...own, inputTokens: -100 } })
    expect([take("s", total(2)), take("s", total(3))]).toEqual([undefined, own])
  })
  test("a turn that the agent has not counted is unknown", () => {
    const { take } = makeRun()
    expect([take(undefined, total(1)), take("s", total(1)), take("s", total(2))]).toEqual([
      own,
      undefined,
      own,
    ])
  })
  test("a turn in a conversation of another run is unknown, and the next one is known", () => {
    const { take } = makeRun()
    expect([take("s", total(5)), take("s", total(6))]).toEqual([undefined, own])
  })
  test("a turn after a failed one is unknown, and the next one is known", () => {
    const { take } = makeRun()
    take(undefined, total(1))
    expect(take("s", failed)).toBeUndefined()
    expect([take("s", total(3)), take("s", total(4))]).toEqual([undefined, own])
  })
  test("turns at the same time are unknown, as is the next one", () => {
    const { start, take } = makeRun()
    take(undefined, total(1))
    const [one, other] = [start("s"), start("s")]
    expect(one.settle(total(2)).usage).toBeUndefined()
    one.end()
    expect(other.settle(total(3)).usage).toBeUndefined()
    other.end()
    expect([take("s", total(4)), take("s", total(5))]).toEqual([undefined, own])
  })
  test("turns in different conversations do not disturb each other", () => {
    const { start, take } = makeRun()
    take(undefined, total(1))
    take(undefined, total(1, "t"))
    const [one, other] = [start("s"), start("t")]
    expect(one.settle(total(2)).usage).toEqual(own)
    expect(other.settle(total(2, "t")).usage).toEqual(own)
  })
  test("a fork counts from the conversation that it comes from, which stays as it is", () => {
    const { take } = makeRun()
    take(undefined, total(1))
    expect([take("s", total(2, "fork")), take("s", total(2)), take("fork", total(3, "fork"))]).toEqual([
      own,
      own,
      own,
    ])
  })
  test("a total that has become smaller is unknown", () => {
    const { take } = makeRun()
    take(undefined, total(3))
    expect(take("s", total(2))).toBeUndefined()
  })
  test("a count that one total lacks is unknown", () => {
    const { take } = makeRun()
    take(undefined, total(1))
    const usage = { inputTokens: 200, outputTokens: 20 }
    expect(take("s", { ...total(2), usage })).toEqual({ inputTokens: 100, outputTokens: 10 })
  })
})

test("usage of the turn itself is left alone", () => {
  const turn = makeSessionUsage().start("s")
  const outcome = { final: true, text: "", sessionRef: "s", usage: own }
  expect(turn.settle(outcome)).toEqual(outcome)
})
