/**
 * Keeps Bun from running macros. A macro is a function of the program that Bun calls while it bundles or scans a file that
 * imports it: at submit, outside of any sandbox. The guard parses suspicious files with Babel, and refuses those that Babel
 * cannot parse.
 */
import { isRecord, type LoadParser, locateNode, parseCode, type SourceProblem } from "./parse-code.ts"

/** Texts that may spell `macro`: other spellings need a backslash before one of its letters, or an escape. */
const suspect = /macro|\\[macroux\d\r\n\u2028\u2029]/

const importing = new Set([
  "ImportDeclaration",
  "ImportExpression",
  "ExportNamedDeclaration",
  "ExportAllDeclaration",
])

const valueOf = (node: unknown): unknown => (isRecord(node) ? node["value"] : undefined)

const isMacroImport = ({ attributes, source, type }: Readonly<Record<string, unknown>>): boolean => {
  if (!importing.has(String(type))) return false
  const specifier = valueOf(source)
  if (typeof specifier === "string" && specifier.startsWith("macro:")) return true
  return (
    Array.isArray(attributes) && attributes.some((one) => valueOf(isRecord(one) && one["value"]) === "macro")
  )
}

/** The older `assert` of an import: the parser does not know it, and may take it for a statement. */
const isAssertion = ({ expression, type }: Readonly<Record<string, unknown>>): boolean =>
  type === "ExpressionStatement" && isRecord(expression) && expression["name"] === "assert"

const findMacro = (node: unknown): Readonly<Record<string, unknown>> | undefined => {
  if (Array.isArray(node)) {
    for (const child of node) {
      const found = findMacro(child)
      if (found !== undefined) return found
    }
    return undefined
  }
  if (!isRecord(node)) return undefined
  if (isMacroImport(node) || isAssertion(node)) return node
  return findMacro(
    Object.entries(node).flatMap(([key, child]) => (key !== "loc" && isRecord(child) ? [child] : [])),
  )
}

/** Finds an import of a macro in a text, or an error that keeps it from being parsed. */
export const findMacroProblem = async (
  text: string,
  path: string,
  loadParser: LoadParser,
): Promise<SourceProblem | undefined> => {
  if (!suspect.test(text)) return undefined
  const parsed = await parseCode(text, path, loadParser)
  if (!("statements" in parsed)) return parsed
  const found = findMacro(parsed.statements)
  if (found === undefined) return undefined
  const message =
    "the file imports a macro, which Bun would run before the program starts; import it as a regular function"
  return { path, message, ...locateNode(found) }
}
