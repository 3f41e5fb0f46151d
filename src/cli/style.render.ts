/** Text for a terminal: colour, marks, numbers, tables, and lines that fit. */
import { ByteSize } from "effect"
import { CliOutput } from "effect/cli"
import type { RunStatus } from "../domain/run.schema.ts"
import { showLine } from "../domain/shown-line.ts"
import type { SpawnStatus } from "../domain/spawn.schema.ts"

type Paint = (text: string) => string

export type Style = {
  readonly bold: Paint
  readonly dim: Paint
  readonly red: Paint
  readonly green: Paint
  readonly yellow: Paint
  readonly cyan: Paint
}

const leavePlain: Paint = (text) => text

/** Switches an SGR attribute on before the text and off after it. */
const makePaint =
  (on: number, off: number): Paint =>
  (text) =>
    `\u001b[${on}m${text}\u001b[${off}m`

/** For pipes, files and `NO_COLOR`. */
export const plainStyle: Style = {
  bold: leavePlain,
  dim: leavePlain,
  red: leavePlain,
  green: leavePlain,
  yellow: leavePlain,
  cyan: leavePlain,
}

export const terminalStyle: Style = {
  bold: makePaint(1, 22),
  dim: makePaint(2, 22),
  red: makePaint(31, 39),
  green: makePaint(32, 39),
  yellow: makePaint(33, 39),
  cyan: makePaint(36, 39),
}

/** The width of output that does not go to a terminal, in columns. */
export const defaultColumns = 160

/** The mark and the colour of a status. */
export const markStatus = (
  status: RunStatus | SpawnStatus,
  style: Style,
): { readonly mark: string; readonly paint: Paint } => {
  switch (status) {
    case "complete":
      return { mark: "✓", paint: style.green }
    case "failed":
    case "error":
      return { mark: "✗", paint: style.red }
    case "cancelled":
      return { mark: "⊘", paint: style.yellow }
    case "running":
      return { mark: "●", paint: style.cyan }
    case "pending":
      return { mark: "○", paint: style.dim }
  }
}

export const renderNextCommand = (command: string, style: Style): string => `  ${style.dim("→")} ${command}`

/** `12,345` */
export const formatNumber = (n: number): string => n.toLocaleString("en-US")

/** `1 spawn`, `2 spawns` */
export const formatCount = (n: number, noun: string): string =>
  `${formatNumber(n)} ${noun}${n === 1 ? "" : "s"}`

/** `812 B`, `3.4 kB`, `2.1 MB` */
export const formatBytes = (n: number): string =>
  ByteSize.format(ByteSize.bytes(n), { system: "decimal", precision: 1 })

/** `340 ms`, `12.3 s`, `4 m 05 s`, `2 h 03 m`; a dash when the clock went backwards. */
export const formatDuration = (millis: number): string => {
  if (!Number.isFinite(millis) || millis < 0) return "–"
  if (millis < 1000) return `${Math.round(millis)} ms`
  if (millis < 59_950) return `${(millis / 1000).toFixed(1)} s`
  const seconds = Math.round(millis / 1000)
  const pad = (n: number) => String(n).padStart(2, "0")
  return seconds < 3600
    ? `${Math.floor(seconds / 60)} m ${pad(seconds % 60)} s`
    : `${Math.floor(seconds / 3600)} h ${pad(Math.floor((seconds % 3600) / 60))} m`
}

/** A cell of a table. `paint` is applied after the width is measured. */
export type Cell = { readonly text: string; readonly paint?: Paint; readonly right?: boolean }

/** Columns of text, each as wide as its widest cell. The last column is not padded. */
export const renderTable = (rows: ReadonlyArray<ReadonlyArray<Cell>>): ReadonlyArray<string> => {
  const widths: Array<number> = []
  for (const row of rows) {
    for (const [index, { text }] of row.entries())
      widths[index] = Math.max(widths[index] ?? 0, CliOutput.displayWidth(text))
  }
  return rows.map((row) =>
    row
      .map(({ paint = leavePlain, right = false, text }, index) => {
        const space = " ".repeat((widths[index] ?? 0) - CliOutput.displayWidth(text))
        const last = index === row.length - 1
        return right ? `${space}${paint(text)}` : `${paint(text)}${last ? "" : space}`
      })
      .join("  ")
      .trimEnd(),
  )
}

/** Replaces control characters and line breaks by spaces. */
const flatten = (text: string): string => text.replace(/[\p{Cc}\u2028\u2029]+/gu, " ").trim()

/** Splits off as much of the text as fits into `width` columns, at least one character. */
const splitAtWidth = (text: string, width: number): readonly [head: string, tail: string] => {
  let head = ""
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    if (head !== "" && CliOutput.displayWidth(head + segment) > width) break
    head += segment
  }
  return [head, text.slice(head.length)]
}

/** The rows, without colours, that a line takes in a terminal that wraps it. */
export const splitRows = (line: string, columns: number): ReadonlyArray<string> => {
  const rows: Array<string> = []
  let rest = showLine(line)
  do {
    const [row, tail] = splitAtWidth(rest, columns)
    rows.push(row)
    rest = tail
  } while (rest !== "")
  return rows
}

/** Fits a line that may be coloured; one that is too wide loses its colours. */
export const clipLine = (line: string, width: number): string =>
  CliOutput.displayWidth(line) <= width ? line : fitLine(showLine(line), width)

/** The width of a text on a terminal, in columns: wide characters take two, and combining marks none. */
export const measureWidth = CliOutput.displayWidth

/** Fits a text on one line of at most `width` columns, without control characters. */
export const fitLine = (text: string, width: number): string => {
  const line = flatten(text)
  if (CliOutput.displayWidth(line) <= width) return line
  const [head] = splitAtWidth(line, width - 1)
  return CliOutput.displayWidth(head) < width ? `${head}…` : "…"
}

/** Wraps words into at most `maxLines` lines of `width` columns; a last line counts the words left out. */
export const wrapWords = (
  words: ReadonlyArray<string>,
  width: number,
  maxLines: number,
): ReadonlyArray<string> => {
  const lines: Array<string> = []
  for (const [index, word] of words.entries()) {
    const line = lines.at(-1)
    let rest = flatten(word)
    if (line !== undefined && CliOutput.displayWidth(`${line} ${rest}`) <= width) {
      lines[lines.length - 1] = `${line} ${rest}`
      continue
    }
    while (rest !== "") {
      if (lines.length === maxLines) return [...lines, `+ ${formatNumber(words.length - index)} more`]
      const [head, tail] = splitAtWidth(rest, width)
      lines.push(head)
      rest = tail
    }
  }
  return lines
}
