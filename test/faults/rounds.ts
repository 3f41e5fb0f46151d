/** Plays faults, each on its own run, several in parallel. */
import { availableParallelism } from "node:os"
import { rmSync } from "node:fs"
import type { Fault } from "./faults.ts"
import { checkInvariants } from "./invariants.ts"
import { type Stage, startRun } from "./stage.ts"

/** The outcome of a fault: whether its moment came, and the violated invariant. */
export type Round = { readonly name: string; readonly struck: boolean; readonly violation?: string }

/** Harms one run and checks its invariants. Removes the folder of the run if none is violated. */
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

/** Plays all faults, as many in parallel as the machine has processors. */
export const playRounds = async (
  stage: Stage,
  faults: Iterator<Fault>,
  report: (round: Round) => void = () => undefined,
): Promise<ReadonlyArray<Round>> => {
  const rounds: Array<Round> = []
  const player = async () => {
    for (let next = faults.next(); next.done !== true; next = faults.next()) {
      const round = await playRound(stage, next.value)
      rounds.push(round)
      report(round)
    }
  }
  await Promise.all(Array.from({ length: Math.max(2, availableParallelism()) }, player))
  return rounds
}
