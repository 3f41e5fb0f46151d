/** Run by `bun run faults`: random faults for a given time. It is a test, because worlds belong to tests. */
import { expect, test } from "bun:test"
import { makeWorld } from "../support/mill.ts"
import { makeSeededFault } from "./faults.ts"
import { describeTimes } from "./invariants.ts"
import { playRounds } from "./rounds.ts"
import { makeStage } from "./stage.ts"

const seconds = Number(process.env["FAULTS_SECONDS"] || 60)
const count = Number(process.env["FAULTS_COUNT"] || Infinity)
const seed = Number(process.env["FAULTS_SEED"] || Date.now() % 1_000_000_000)
const stage = makeStage(makeWorld())

function* faults(until: number) {
  for (let n = 0; n < count && Date.now() < until; n += 1) yield makeSeededFault(seed + n)
}

test(
  `random faults from seed ${seed}`,
  async () => {
    console.log(`seed ${seed}`)
    let played = 0
    const rounds = await playRounds(stage, faults(Date.now() + seconds * 1000), ({ name, violation }) => {
      played += 1
      if (violation !== undefined) console.log(`VIOLATED ${name}: ${violation}`)
      if (played % 25 === 0) console.log(`${played} faults so far`)
    })
    const violated = rounds.filter(({ violation }) => violation !== undefined).length
    const missed = rounds.filter(({ struck }) => !struck).length
    console.log(`${missed} came after the run's end`)
    console.log(describeTimes(stage))
    console.log(`${rounds.length} faults, ${violated} violated`)
    expect(violated).toBe(0)
  },
  (seconds + 120) * 1000,
)
