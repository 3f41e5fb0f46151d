/** Plays faults, each on its own run, several in parallel. */
import { availableParallelism } from "node:os"
import { rmSync } from "node:fs"
import type { Fault } from "./faults.ts"
import { checkCancel, checkInvariants } from "./invariants.ts"
import { type Stage, startRun } from "./stage.ts"

/** The outcome of a fault: whether its moment came, and the violated invariant. */
export type Round = { readonly name: string; readonly struck: boolean; readonly violation?: string }

/** How often a fault is tried on a new run, until its moment comes. */
const attempts = 25

/** Harms one run and checks its invariants. Removes the folder of the run if none is violated. */
const playOnce = async (stage: Stage, { args, isCancelled, name, strike }: Fault): Promise<Round> => {
  let struck = false
  try {
    const run = await startRun(stage, [], args)
    struck = await strike(run)
    if (isCancelled === true) await checkCancel(run)
    await checkInvariants(run)
    // Another round's `ls` may look at the run.
    rmSync(run.runDir, { recursive: true, force: true, maxRetries: 5 })
    return { name, struck }
  } catch (error) {
    return { name, struck, violation: String(error) }
  }
}

/** Plays a fault. One whose moment can be forced is repeated on new runs until it has come. */
export const playRound = async (stage: Stage, fault: Fault): Promise<Round> => {
  for (let attempt = 1; ; attempt += 1) {
    const round = await playOnce(stage, fault)
    const isOver = round.struck || round.violation !== undefined || fault.isForced !== true
    if (isOver || attempt === attempts) return round
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
