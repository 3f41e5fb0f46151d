/** Any process of a run may be killed at any moment: the run still ends once, truthfully, and leaves no process. */
import { expect, test } from "bun:test"
import { makeWorld } from "../support/mill.ts"
import { chosenFaults, makeSeededFault } from "./faults.ts"
import { describeTimes } from "./invariants.ts"
import { playRounds } from "./rounds.ts"
import { makeStage } from "./stage.ts"

const stage = makeStage(makeWorld())
const listViolations = (rounds: Awaited<ReturnType<typeof playRounds>>) =>
  rounds.flatMap(({ name, violation }) => (violation === undefined ? [] : [`${name}: ${violation}`]))

test("a process killed at a chosen moment violates no invariant", async () => {
  const rounds = await playRounds(stage, chosenFaults.values())
  expect(listViolations(rounds)).toEqual([])
  expect(rounds).toHaveLength(chosenFaults.length)
  expect(rounds.filter(({ struck }) => !struck).map(({ name }) => name)).toEqual([])
  console.log(describeTimes(stage))
}, 600_000)

test("a process killed at a random moment violates no invariant", async () => {
  const first = Date.now() % 1_000_000
  const seeds = Array.from({ length: 6 }, (_, index) => first + index)
  expect(listViolations(await playRounds(stage, seeds.map(makeSeededFault).values()))).toEqual([])
}, 300_000)
