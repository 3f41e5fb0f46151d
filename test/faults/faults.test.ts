/** Whatever is killed, at whatever moment: the run comes to one true end, and nothing is left of it. */
import { expect, test } from "bun:test"
import { makeWorld } from "../support/mill.ts"
import { chosenFaults, seededFault } from "./faults.ts"
import { playRounds } from "./rounds.ts"
import { makeStage } from "./stage.ts"

const stage = makeStage(makeWorld())
const violations = (rounds: Awaited<ReturnType<typeof playRounds>>) =>
  rounds.flatMap(({ name, violation }) => (violation === undefined ? [] : [`${name}: ${violation}`]))

test("a process killed at a chosen moment leaves nothing untrue", async () => {
  const rounds = await playRounds(stage, chosenFaults.values())
  expect(violations(rounds)).toEqual([])
  expect(rounds).toHaveLength(chosenFaults.length)
  // The shortest moments are missed now and then; the others always come.
  const missed = rounds.filter(({ struck }) => !struck).map(({ name }) => name)
  expect(missed.filter((name) => !/exit|snapshots/.test(name))).toEqual([])
}, 300_000)

test("a process killed at a random moment leaves nothing untrue", async () => {
  const first = Date.now() % 1_000_000
  const seeds = Array.from({ length: 6 }, (_, index) => first + index)
  expect(violations(await playRounds(stage, seeds.map(seededFault).values()))).toEqual([])
}, 300_000)
