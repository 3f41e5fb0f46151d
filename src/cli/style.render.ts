/** Colour, sparingly: a status, a title, what is less important. Without a terminal there is none. */
import { CliOutput } from "effect/cli"
import type { RunStatus } from "../domain/run.schema.ts"
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

const asIs: Paint = (text) => text
const sgr =
  (on: number, off: number): Paint =>
  (text) =>
    `\u001b[${on}m${text}\u001b[${off}m`

export const plainStyle: Style = { bold: asIs, dim: asIs, red: asIs, green: asIs, yellow: asIs, cyan: asIs }

export const terminalStyle: Style = {
  bold: sgr(1, 22),
  dim: sgr(2, 22),
  red: sgr(31, 39),
  green: sgr(32, 39),
  yellow: sgr(33, 39),
  cyan: sgr(36, 39),
}

/** The mark and the colour of a status. */
export const statusMark = (
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

/** A command to go on with. */
export const nextCommand = (command: string, style: Style): string => `  ${style.dim("→")} ${command}`

/** A count as a person reads it: `12,345`. */
export const number = (n: number): string => n.toLocaleString("en-US")

/** `1 spawn`, `2 spawns`. */
export const plural = (n: number, noun: string): string => `${number(n)} ${noun}${n === 1 ? "" : "s"}`

/** A size: `812 bytes`, `3.4 kB`, `2.1 MB`. */
export const bytes = (n: number): string =>
  n < 1000
    ? plural(n, "byte")
    : n < 1_000_000
      ? `${(n / 1000).toFixed(1)} kB`
      : `${(n / 1_000_000).toFixed(1)} MB`

/** A span of time, as a person would say it: `340 ms`, `12.3 s`, `4 m 05 s`, `2 h 03 m`. */
export const duration = (millis: number): string => {
  if (!Number.isFinite(millis) || millis < 0) return "–"
  if (millis < 1000) return `${Math.round(millis)} ms`
  if (millis < 59_950) return `${(millis / 1000).toFixed(1)} s`
  const seconds = Math.round(millis / 1000)
  const two = (n: number) => String(n).padStart(2, "0")
  return seconds < 3600
    ? `${Math.floor(seconds / 60)} m ${two(seconds % 60)} s`
    : `${Math.floor(seconds / 3600)} h ${two(Math.floor((seconds % 3600) / 60))} m`
}

/** Columns of text, each as wide as its widest cell; the last is not padded. Styles are applied after measuring. */
export const table = (
  rows: ReadonlyArray<
    ReadonlyArray<{ readonly text: string; readonly paint?: Paint; readonly right?: boolean }>
  >,
): ReadonlyArray<string> => {
  const widths: Array<number> = []
  for (const row of rows) {
    for (const [index, { text }] of row.entries())
      widths[index] = Math.max(widths[index] ?? 0, CliOutput.displayWidth(text))
  }
  return rows.map((row) =>
    row
      .map(({ paint = asIs, right = false, text }, index) => {
        const space = " ".repeat((widths[index] ?? 0) - CliOutput.displayWidth(text))
        const last = index === row.length - 1
        return right ? `${space}${paint(text)}` : `${paint(text)}${last ? "" : space}`
      })
      .join("  ")
      .trimEnd(),
  )
}

/** Without control characters: one line, however long. */
const flat = (text: string): string => text.replace(/[\p{Cc}\u2028\u2029]+/gu, " ").trim()

/** As much of a text as fits into `width` columns, and the rest; at least one character. */
const splitAt = (text: string, width: number): readonly [string, string] => {
  let head = ""
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    if (head !== "" && CliOutput.displayWidth(head + segment) > width) break
    head += segment
  }
  return [head, text.slice(head.length)]
}

/** One line of at most `width` columns, without control characters. */
export const oneLine = (text: string, width: number): string => {
  const line = flat(text)
  return CliOutput.displayWidth(line) <= width ? line : `${splitAt(line, width - 1)[0]}…`
}

/** Lines of at most `width` columns that hold these words, and after `most` of them how many words are left. */
export const wrapped = (words: ReadonlyArray<string>, width: number, most: number): ReadonlyArray<string> => {
  const lines: Array<string> = []
  for (const [index, word] of words.entries()) {
    const line = lines.at(-1)
    let rest = flat(word)
    if (line !== undefined && CliOutput.displayWidth(`${line} ${rest}`) <= width) {
      lines[lines.length - 1] = `${line} ${rest}`
      continue
    }
    while (rest !== "") {
      if (lines.length === most) return [...lines, `+ ${number(words.length - index)} more`]
      const [head, tail] = splitAt(rest, width)
      lines.push(head)
      rest = tail
    }
  }
  return lines
}
