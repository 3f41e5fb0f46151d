/** What a program's error is in the run's log: a message, where in the user's own source, and the stack. */

/** How the first line of a file is shifted in the form in which it is loaded, by path. */
export type ColumnShifts = ReadonlyMap<string, number>

export type ProgramFailure = { readonly message: string; readonly location?: string; readonly stack?: string }

const frame = /(?:\(|at |@)((?:file:\/\/)?\/[^()]*?):(\d+):(\d+)\)?/

const place = (path: string, line: number, column: number, shifts: ColumnShifts): string =>
  `${path}:${line}:${line === 1 ? Math.max(1, column - (shifts.get(path) ?? 0)) : column}`

/** The first place in a stack that lies in one of the user's own files. */
const firstPlace = (stack: string, own: ReadonlySet<string>, shifts: ColumnShifts): string | undefined => {
  for (const line of stack.split("\n")) {
    const found = frame.exec(line)
    const path = found?.[1]?.replace(/^file:\/\//, "")
    if (path !== undefined && own.has(path))
      return place(path, Number(found?.[2]), Number(found?.[3]), shifts)
  }
  return undefined
}

/** A file with several syntax errors gives one error that holds them all: the first of them says most. */
const withPlace = (error: unknown): unknown => {
  const first: unknown = error instanceof AggregateError ? error.errors[0] : undefined
  return typeof first === "object" && first !== null && "position" in first ? first : error
}

/** Describes whatever the program threw. */
export const describeFailure = (
  error: unknown,
  own: ReadonlySet<string>,
  shifts: ColumnShifts,
): ProgramFailure => {
  const thrown = withPlace(error)
  if (!(thrown instanceof Error)) return { message: `the program threw ${Bun.inspect(thrown)}` }
  const message = thrown.message === "" ? thrown.name : `${thrown.name}: ${thrown.message}`
  // A module that cannot be parsed has a position instead of a stack.
  const position = "position" in thrown ? (thrown.position as Position | null) : null
  const location =
    position === null || position === undefined
      ? firstPlace(thrown.stack ?? "", own, shifts)
      : place(position.file, position.line, position.column, shifts)
  return {
    message,
    ...(location === undefined ? {} : { location }),
    ...(thrown.stack === undefined ? {} : { stack: thrown.stack }),
  }
}
