/**
 * Programs may end with a top-level `return`, which a module may not. Such a program is loaded in another form: its
 * body in an async function whose value is the default export. Nothing moves: statements that must stand outside the
 * function are blanked where they are and repeated behind the last line, so that lines and columns stay the author's;
 * only the first line is shifted, by `columnShift`, when there is no blank space at its start to use.
 */

/** A statement at the top level of a module, as a parser found it: offsets into the text. */
export type TopLevelStatement =
  /** Stands outside the function: imports, re-exports, `declare global`. */
  | { readonly kind: "outside"; readonly start: number; readonly end: number }
  /** `export` before a declaration: the word goes, the declaration stays. */
  | { readonly kind: "exported"; readonly start: number; readonly declaration: number }
  /** An `export { … }` of local names: nobody imports a program, so it goes. */
  | { readonly kind: "export-list"; readonly start: number; readonly end: number }

const opening = "export default await (async()=>{"
const closing = "\n})();"

const blank = (text: string): string => text.replace(/[^\n\r]/g, " ")

/** The text in the form in which it is loaded. */
export const wrapTopLevelReturn = (
  text: string,
  statements: ReadonlyArray<TopLevelStatement>,
): { readonly contents: string; readonly columnShift: number } => {
  // A shebang may stand at the very start only.
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
  const room = /^[ ]*/.exec(body)?.[0].length ?? 0
  const fits = room >= opening.length
  return {
    contents: `${opening}${fits ? body.slice(opening.length) : body}${closing}\n${outside.join("\n")}\n`,
    columnShift: fits ? 0 : opening.length,
  }
}
