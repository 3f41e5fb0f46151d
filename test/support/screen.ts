/**
 * A terminal's screen: what a person sees of the bytes that a program writes, including lines that wrap. It changes its
 * size as tmux does: lines are wrapped anew, a lower screen scrolls its top off, and a taller one takes it back.
 */

type Cell = { readonly text: string; readonly width: number }
/** `wraps` if the next row continues this one. */
type Row = { readonly cells: Array<Cell>; wraps: boolean }

const segmenter = new Intl.Segmenter()
const makeRow = (): Row => ({ cells: [], wraps: false })
const measure = (cells: ReadonlyArray<Cell>) => cells.reduce((sum, { width }) => sum + width, 0)

export class Screen {
  private rows: Array<Row> = [makeRow()]
  /** The first row on the screen; those before it have scrolled off. */
  private top = 0
  private row = 0
  private column = 0
  private isWrapping = true
  constructor(
    private columns: number,
    private height: number,
  ) {}

  /** The lines on the screen, without those that have scrolled off it. */
  get lines(): ReadonlyArray<string> {
    return this.rows.slice(this.top, this.top + this.height).map(showRow)
  }

  /** All lines, with those that have scrolled off; wrapped lines are joined. */
  get history(): ReadonlyArray<string> {
    return this.joinRows().map(({ cells }) => showRow({ cells, wraps: false }))
  }

  resize(columns: number, height: number) {
    const hidden = Math.max(0, this.row - this.top + 1 - height)
    this.top += height < this.height ? hidden : -Math.min(this.top, height - this.height)
    this.height = height
    this.rows.splice(this.top + height)
    if (columns === this.columns) return
    this.columns = columns
    while (this.rows.length < this.top + height) this.rows.push(makeRow())
    const rows: Array<Row> = []
    let cursor = 0
    for (const { cells, start, length } of this.joinRows()) {
      // The cursor is at the start of a line between two frames.
      if (start <= this.row && this.row < start + length) cursor = rows.length
      let row = makeRow()
      for (const cell of cells) {
        if (measure(row.cells) + cell.width > columns) {
          rows.push({ ...row, wraps: true })
          row = makeRow()
        }
        row.cells.push(cell)
      }
      rows.push(row)
    }
    this.rows = rows
    this.top = Math.max(0, rows.length - height)
    this.row = Math.max(cursor, this.top)
    this.column = 0
  }

  private joinRows() {
    const lines: Array<{ readonly cells: Array<Cell>; readonly start: number; length: number }> = []
    let isContinued = false
    for (const [start, { cells, wraps }] of this.rows.entries()) {
      const line = lines.at(-1)
      if (isContinued && line !== undefined) {
        line.cells.push(...cells)
        line.length += 1
      } else lines.push({ cells: [...cells], start, length: 1 })
      isContinued = wraps
    }
    return lines
  }

  /** Writes whole control sequences and characters. */
  write(output: string) {
    // oxlint-disable-next-line no-control-regex -- These sequences begin with a control character.
    const token = /\u001b\[([?\d;]*)([A-Za-z])|\u001b\][^\u0007]*\u0007|\r|\n|[^\u001b\r\n]+/gu
    for (const [all, parameter = "", command] of output.matchAll(token)) {
      if (command !== undefined) this.control(command, parameter)
      else if (all === "\r") this.column = 0
      else if (all === "\n") this.feed()
      else if (!all.startsWith("\u001b"))
        for (const { segment } of segmenter.segment(all)) this.print(segment)
    }
  }

  private feed() {
    this.moveTo(this.row + 1)
    this.top = Math.max(this.top, this.row + 1 - this.height)
  }

  private print(text: string) {
    const width = Bun.stringWidth(text)
    if (this.column + width > this.columns) {
      if (!this.isWrapping) return
      const row = this.rows[this.row]
      if (row !== undefined) row.wraps = true
      this.feed()
      this.column = 0
    }
    const { cells } = this.rows[this.row] ?? makeRow()
    const kept = cutCells(cells, this.column)
    const rest = dropCells(cells, this.column + width)
    cells.splice(0, cells.length, ...kept, { text, width }, ...rest)
    this.column += width
  }

  private control(command: string, parameter: string) {
    if (parameter === "?7") this.isWrapping = command === "h"
    const count = Number(parameter) || 1
    if (command === "A") this.row = Math.max(this.row - count, this.top)
    if (command === "B") this.moveTo(Math.min(this.row + count, this.top + this.height - 1))
    if (command === "J" && this.row === this.top && this.column === 0) {
      // tmux keeps a screen that is erased from its first position in its history.
      this.top = this.rows.length
      this.moveTo(this.top)
    } else if (command === "J") {
      this.rows.splice(this.row + 1)
      this.eraseRight()
    } else if (command === "K") this.eraseRight()
  }

  private moveTo(row: number) {
    this.row = row
    while (this.rows.length <= row) this.rows.push(makeRow())
  }

  private eraseRight() {
    const row = this.rows[this.row] ?? makeRow()
    // An erasure at the right margin takes the last character, as the cursor has not moved on.
    const column = Math.min(this.column, this.columns - 1)
    row.cells.splice(0, row.cells.length, ...cutCells(row.cells, column))
    row.wraps = false
  }
}

const showRow = ({ cells }: Row) =>
  cells
    .map(({ text }) => text)
    .join("")
    .trimEnd()

/** The cells before a column, padded up to it. */
const cutCells = (cells: ReadonlyArray<Cell>, column: number): ReadonlyArray<Cell> => {
  const kept: Array<Cell> = []
  for (const cell of cells) {
    if (measure(kept) + cell.width > column) break
    kept.push(cell)
  }
  const space = { text: " ", width: 1 }
  return [...kept, ...Array.from({ length: column - measure(kept) }, () => space)]
}

/** The cells from a column on. */
const dropCells = (cells: ReadonlyArray<Cell>, column: number): ReadonlyArray<Cell> => {
  let at = 0
  return cells.filter(({ width }) => {
    at += width
    return at - width >= column
  })
}
