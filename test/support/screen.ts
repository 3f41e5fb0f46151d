/** A terminal's screen: what a person sees of the bytes that a program writes, including lines that wrap. */

type Cell = { readonly text: string; readonly width: number }
type Row = { readonly cells: Array<Cell>; wrapped: boolean }

const segmenter = new Intl.Segmenter()
const makeRow = (): Row => ({ cells: [], wrapped: false })
const measure = (cells: ReadonlyArray<Cell>) => cells.reduce((sum, { width }) => sum + width, 0)

export class Screen {
  private rows: Array<Row> = [makeRow()]
  private row = 0
  private column = 0
  constructor(
    private readonly columns: number,
    private readonly height: number,
  ) {}

  /** The lines on the screen, without those that have scrolled off it. */
  get lines(): ReadonlyArray<string> {
    return this.rows.slice(-this.height).map(({ cells }) =>
      cells
        .map(({ text }) => text)
        .join("")
        .trimEnd(),
    )
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
    this.row += 1
    if (this.row === this.rows.length) this.rows.push(makeRow())
  }

  private print(text: string) {
    const width = Bun.stringWidth(text)
    if (this.column + width > this.columns) {
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
    const { cells } = this.rows[this.row] ?? makeRow()
    if (command === "A")
      this.row = Math.max(this.row - Number(parameter || 1), this.rows.length - this.height, 0)
    // An erasure at the right margin takes the last character, as the cursor has not moved on.
    const column = Math.min(this.column, this.columns - 1)
    if (command === "K" || command === "J") cells.splice(0, cells.length, ...cutCells(cells, column))
    if (command === "J") this.rows.splice(this.row + 1)
  }
}

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
