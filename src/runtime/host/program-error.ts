/** Describes a program's error for the run's log: the message, the location in the user's own source, and the stack. */

/** By how many columns the first line of a file is shifted when it is loaded, by path. */
export type ColumnShifts = ReadonlyMap<string, number>

import { removeQueries } from "./common-js.ts"

export type ProgramFailure = {
  readonly message: string
  readonly location?: string | undefined
  readonly stack?: string | undefined
}

const frame = /(?:\(|at |@)((?:file:\/\/)?\/[^()]*?):(\d+):(\d+)\)?/

const formatPlace = (path: string, line: number, column: number, shifts: ColumnShifts): string =>
  `${path}:${line}:${line === 1 ? Math.max(1, column - (shifts.get(path) ?? 0)) : column}`

/** Finds the first place in a stack that is in one of the user's own files. */
const findPlace = (stack: string, own: ReadonlySet<string>, shifts: ColumnShifts): string | undefined => {
  for (const line of stack.split("\n")) {
    const found = frame.exec(line)
    const path = removeQueries(found?.[1]?.replace(/^file:\/\//, "") ?? "")
    if (own.has(path)) return formatPlace(path, Number(found?.[2]), Number(found?.[3]), shifts)
  }
  return undefined
}

/** Several syntax errors in a file arrive as one error that holds them all: the first one matters. */
const unwrapSyntaxError = (error: unknown): unknown => {
  const first: unknown = error instanceof AggregateError ? error.errors[0] : undefined
  return typeof first === "object" && first !== null && "position" in first ? first : error
}

export const describeFailure = (
  error: unknown,
  own: ReadonlySet<string>,
  shifts: ColumnShifts,
): ProgramFailure => {
  const thrown = unwrapSyntaxError(error)
  if (!(thrown instanceof Error)) return { message: `the program threw ${Bun.inspect(thrown)}` }
  const message = thrown.message === "" ? thrown.name : `${thrown.name}: ${thrown.message}`
  // A module that cannot be parsed has a position instead of a stack.
  const position = "position" in thrown ? (thrown.position as Position | null) : null
  const location =
    position === null || position === undefined
      ? findPlace(thrown.stack ?? "", own, shifts)
      : formatPlace(removeQueries(position.file), position.line, position.column, shifts)
  return { message, location, stack: removeQueries(thrown.stack ?? "") }
}
