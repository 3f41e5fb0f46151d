/** Where the block of the live view is on the terminal, also after the terminal has changed its size. */
import { splitRows } from "./style.render.ts"

/** In characters. */
export type TerminalSize = { readonly columns: number; readonly rows: number }

/** What has scrolled off the top of the screen: whole lines, and the first rows of a line whose other rows have not. */
type ScrolledOff = { readonly whole: ReadonlyArray<string>; readonly torn: string }

export const nothingOff: ScrolledOff = { whole: [], torn: "" }

/** The lines last drawn. The cursor is on the row below them. */
export type Block = {
  readonly size: TerminalSize
  readonly lines: ReadonlyArray<string>
  /** What a shrinking terminal has scrolled off of earlier blocks. It is shown again when the terminal becomes taller. */
  readonly scrolledOff: ScrolledOff
}

/** Synchronised output: the terminal shows a frame at once. Each frame overwrites the one before. */
const frameStart = "\u001b[?2026h"
const frameEnd = "\u001b[?2026l"
/** A frame may be drawn for a wider terminal than it meets. Its lines are then cut: each takes one row. */
const wrapOff = "\u001b[?7l"
const wrapOn = "\u001b[?7h"
const nextRow = "\r\u001b[B"
const eraseLine = "\u001b[K"
const eraseBelow = "\u001b[J"
/** Erases from the second row on: tmux keeps a screen that is erased from its first position in its history. */
const eraseRows = `${eraseLine}\n${eraseBelow}\u001b[A`

const isSameSize = (a: TerminalSize, b: TerminalSize) => a.columns === b.columns && a.rows === b.rows

/** The first `count` rows of lines. */
const takeRows = (lines: ReadonlyArray<ReadonlyArray<string>>, count: number): ScrolledOff => {
  const whole: Array<string> = []
  let left = count
  for (const rows of lines) {
    if (left < rows.length) return { whole, torn: rows.slice(0, left).join("") }
    whole.push(rows.join(""))
    left -= rows.length
  }
  return { whole, torn: "" }
}

/**
 * Finds the block after a change of size. `rowsBack` is how many rows it starts above the cursor, if `doesReflow`: the
 * terminal wraps lines that no longer fit, and joins them when they fit again. A terminal ignores rows above its first.
 * Where the place is in doubt, a row of the block is left behind rather than another line erased.
 */
export const placeBlock = (
  { lines, scrolledOff, size: before }: Block,
  size: TerminalSize,
  doesReflow: boolean,
): { readonly isResized: boolean; readonly rowsBack: number; readonly scrolledOff: ScrolledOff } => {
  if (isSameSize(before, size)) return { isResized: false, rowsBack: lines.length, scrolledOff }
  const split = (line: string) => (doesReflow ? splitRows(line, size.columns) : [line])
  const countRows = (all: ReadonlyArray<string>) => all.reduce((sum, line) => sum + split(line).length, 0)
  const { torn, whole } = scrolledOff
  // The terminal takes the line after a torn one for the rest of it.
  const [first = "", ...rest] = lines
  const all = [...whole, ...(torn + first === "" ? [] : [torn + first]), ...rest]
  const rows = countRows(lines)
  const rowsOff = countRows(all) - rows
  const returned = Math.min(rowsOff, Math.max(0, size.rows - before.rows))
  const overflow = Math.max(0, rows + returned - (size.rows - 1))
  return {
    isResized: true,
    rowsBack: rows + returned,
    scrolledOff: takeRows(all.map(split), rowsOff - returned + overflow),
  }
}

/** The output that replaces the `rowsBack` rows above the cursor by lines that scroll up, and a block below them. */
export const renderFrame = (
  rowsBack: number,
  isResized: boolean,
  above: ReadonlyArray<string>,
  lines: ReadonlyArray<string>,
): string => {
  const scrolling = above.map((line) => `${eraseLine}${line}\n`).join("")
  const back = rowsBack === 0 ? "" : `\u001b[${rowsBack}A\r`
  // Erases the old block first, because the lines above it may wrap into it.
  const isCleared = rowsBack > 0 && (isResized || above.length > 0 || lines.length === 0)
  // Where the old block was, the cursor moves down without scrolling a screen that has just become lower.
  const kept = above.length === 0 ? rowsBack : 0
  const block = lines.map((line, index) => `${eraseLine}${line}${index < kept ? nextRow : "\n"}`).join("")
  const drawn = lines.length === 0 ? "" : `${wrapOff}${block}${wrapOn}${eraseBelow}`
  return `${frameStart}${back}${isCleared ? eraseRows : ""}${scrolling}${drawn}${frameEnd}`
}
