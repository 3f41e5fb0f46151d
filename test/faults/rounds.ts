/** Faults one after another, some side by side, each on a run of its own. */
import { availableParallelism } from "node:os"
import { rmSync } from "node:fs"
import type { Fault } from "./faults.ts"
import { checkInvariants } from "./invariants.ts"
import { type Stage, startRun } from "./stage.ts"

/** What became of a fault: whether its moment came, and what was not as it must be. */
export type Round = { readonly name: string; readonly struck: boolean; readonly violation?: string }

/** Harms one run, and looks at what is left. The folder of a run without a violation is removed. */
export const playRound = async (stage: Stage, { name, strike }: Fault): Promise<Round> => {
  let struck = false
  try {
    const run = await startRun(stage)
    struck = await strike(run)
    await checkInvariants(run)
    rmSync(run.runDir, { recursive: true, force: true })
    return { name, struck }
  } catch (error) {
    return { name, struck, violation: String(error) }
  }
}

/** Plays what `faults` gives, as many side by side as the machine has processors. */
export const playRounds = async (
  stage: Stage,
  faults: Iterator<Fault>,
  tell: (round: Round) => void = () => undefined,
): Promise<ReadonlyArray<Round>> => {
  const rounds: Array<Round> = []
  const player = async () => {
    for (let next = faults.next(); next.done !== true; next = faults.next()) {
      const round = await playRound(stage, next.value)
      rounds.push(round)
      tell(round)
    }
  }
  await Promise.all(Array.from({ length: Math.max(2, availableParallelism()) }, player))
  return rounds
}
