/**
 * Finds the imports with a type, as in `import text from "./code.ts" with { type: "text" }`, and removes them from the text that
 * Bun's bundler reads, because it would confuse a file that is imported as code with one that is imported as text.
 */
import { isRecord, type LoadParser, locateNode, parseCode, type SourceProblem } from "./parse-code.ts"

/** An import of a local file with a type. The file of an `import()` may be missing. */
export type TypedImport = { readonly specifier: string; readonly type: string; readonly isStatic: boolean }

type Node = Readonly<Record<string, unknown>>

export type TypedImports = {
  readonly contents: string
  readonly imports: ReadonlyArray<TypedImport>
  readonly problem?: SourceProblem | undefined
}

/** Attributes that Bun's bundler handles well, because the names of such files end in `.json`. */
const plain = /\bwith\s*:?\s*\{\s*type\s*:\s*["']json["']\s*,?\s*\}/g
const suspect = /\bwith\s*[:{]|\bassert\s*\{/

const literalOf = (node: unknown): string | undefined => {
  const value = isRecord(node) && node["type"] === "StringLiteral" ? node["value"] : undefined
  return typeof value === "string" ? value : undefined
}

const keyOf = (property: Node): string | undefined => {
  const key = property["key"]
  if (!isRecord(key) || property["computed"] === true) return undefined
  return key["type"] === "Identifier" ? String(key["name"]) : literalOf(key)
}

const listOf = (value: unknown): ReadonlyArray<Node> => (Array.isArray(value) ? value.filter(isRecord) : [])

/** A property of an object; `unknown` if the object or its keys are computed. */
const propertyOf = (object: unknown, name: string): Node | "unknown" | undefined => {
  if (!isRecord(object) || object["type"] !== "ObjectExpression") return "unknown"
  const properties = listOf(object["properties"])
  if (properties.some((property) => keyOf(property) === undefined)) return "unknown"
  const value = properties.find((property) => keyOf(property) === name)?.["value"]
  return isRecord(value) ? value : undefined
}

/** The type that a node imports with: undefined for none, `unknown` for a computed one. */
const typeOf = (node: Node): { readonly type: string | undefined } | "unknown" => {
  if (node["type"] !== "ImportExpression") {
    const attribute = listOf(node["attributes"]).find((one) => keyOf(one) === "type")
    return { type: literalOf(attribute?.["value"]) }
  }
  const options = node["options"]
  if (!isRecord(options)) return { type: undefined }
  const attributes = propertyOf(options, "with")
  if (attributes === undefined) return { type: undefined }
  const type = attributes === "unknown" ? attributes : propertyOf(attributes, "type")
  if (type === undefined) return { type: undefined }
  const literal = literalOf(type)
  return literal === undefined ? "unknown" : { type: literal }
}

const importing = new Set([
  "ImportDeclaration",
  "ImportExpression",
  "ExportNamedDeclaration",
  "ExportAllDeclaration",
])

const walk = (node: unknown, visit: (node: Node) => void): void => {
  if (Array.isArray(node)) for (const child of node) walk(child, visit)
  if (!isRecord(node) || Array.isArray(node)) return
  if (importing.has(String(node["type"]))) visit(node)
  for (const [key, child] of Object.entries(node)) if (key !== "loc" && isRecord(child)) walk(child, visit)
}

const describe = (node: Node, type: string | undefined): string | undefined => {
  if (type === undefined) return "mill cannot freeze an import whose attributes are computed"
  if (literalOf(node["source"]) === undefined && type !== "json") {
    return "mill cannot freeze an import with a type attribute and a computed path; write the path as a string, or read the file with Bun.file"
  }
  return undefined
}

/** Whether a specifier is a path. */
export const isLocal = (specifier: string): boolean => /^\.{0,2}\//.test(specifier)

/** Removes the imports with a type from a text. Positions stay the same. */
export const takeTypedImports = async (
  text: string,
  path: string,
  loadParser: LoadParser,
): Promise<TypedImports> => {
  if (!suspect.test(text.replace(plain, ""))) return { contents: text, imports: [] }
  const parsed = await parseCode(text, path, loadParser)
  if (!("statements" in parsed)) return { contents: text, imports: [], problem: parsed }
  let contents = text
  let problem: SourceProblem | undefined
  const imports: Array<TypedImport> = []
  walk(parsed.statements, (node) => {
    const found = typeOf(node)
    if (found !== "unknown" && found.type === undefined) return
    if (node["importKind"] === "type" || node["exportKind"] === "type") return
    const type = found === "unknown" ? undefined : found.type
    const specifier = literalOf(node["source"])
    if (specifier !== undefined && !isLocal(specifier)) return
    const message = describe(node, type)
    if (message !== undefined) problem ??= { path, message, ...locateNode(node) }
    if (message !== undefined || type === undefined || specifier === undefined) return
    const isStatic = node["type"] !== "ImportExpression"
    imports.push({ specifier, type, isStatic })
    const [start, end] = [Number(node["start"]), Number(node["end"])]
    const filler = isStatic ? "export{};" : "null"
    const rest = text.slice(start + filler.length, end).replace(/[^\r\n]/g, " ")
    contents = `${contents.slice(0, start)}${filler}${rest}${contents.slice(end)}`
  })
  return { contents, imports, problem }
}
