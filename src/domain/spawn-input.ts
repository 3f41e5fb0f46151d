/** Checks the argument of `mill.spawn`, where a program calls it and where a program's text shows it. */
import type { Result } from "effect"
import { SpawnOptions } from "./spawn.schema.ts"
import { decodeAllUntrusted, type ValueProblem } from "./untrusted.ts"

const decode = decodeAllUntrusted(SpawnOptions, { whole: "the argument" })

/** The options of a spawn, or everything that is wrong with them. */
export const checkSpawnInput = (input: unknown): Result.Result<SpawnOptions, ReadonlyArray<ValueProblem>> =>
  decode(input)

/** Problems in one line. A hint that several problems share follows the last of them. */
export const formatProblems = (problems: ReadonlyArray<ValueProblem>): string => {
  const messagesWith = (hint: string | undefined) =>
    problems.filter((problem) => problem.hint === hint).map(({ message }) => message)
  const hints = new Set(problems.flatMap(({ hint }) => (hint === undefined ? [] : [hint])))
  return [...messagesWith(undefined), ...[...hints].flatMap((hint) => [...messagesWith(hint), hint])].join(
    "; ",
  )
}
