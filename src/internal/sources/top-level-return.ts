/**
 * Wraps programs with a top-level `return`, which modules do not allow: the body becomes an async function whose value is
 * the default export. Lines and columns stay the author's: statements that must be outside the function are blanked in place
 * and repeated after the last line. Only the first line is shifted, by `columnShift`, unless it starts with enough spaces.
 */

/** A top-level statement, as offsets into the text. */
export type TopLevelStatement =
  /** Must be outside the function: imports, re-exports, `declare global`. */
  | { readonly kind: "outside"; readonly start: number; readonly end: number }
  /** `export` before a declaration: the word is removed, the declaration stays. */
  | { readonly kind: "exported"; readonly start: number; readonly declaration: number }
  /** An `export { … }` of local names: removed, since no module imports a program. */
  | { readonly kind: "export-list"; readonly start: number; readonly end: number }

const opening = "export default await (async()=>{"
const closing = "\n})();"

const blank = (text: string): string => text.replace(/[^\n\r]/g, " ")

export const wrapTopLevelReturn = (
  text: string,
  statements: ReadonlyArray<TopLevelStatement>,
): { readonly contents: string; readonly columnShift: number } => {
  // A shebang is only valid at the very start.
  const source = text.replace(/^#!.*/, blank)
  const pieces: Array<string> = []
  const outside: Array<string> = []
  let offset = 0
  for (const statement of statements) {
    const end = statement.kind === "exported" ? statement.declaration : statement.end
    pieces.push(source.slice(offset, statement.start), blank(source.slice(statement.start, end)))
    if (statement.kind === "outside") outside.push(source.slice(statement.start, end))
    offset = end
  }
  pieces.push(source.slice(offset))
  const body = pieces.join("")
  const spaces = /^[ ]*/.exec(body)?.[0].length ?? 0
  const fits = spaces >= opening.length
  return {
    contents: `${opening}${fits ? body.slice(opening.length) : body}${closing}\n${outside.join("\n")}\n`,
    columnShift: fits ? 0 : opening.length,
  }
}
