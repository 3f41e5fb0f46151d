/** How a syntax tree is read: Babel's, by the shape of its nodes, since nothing says that it has that shape. */

/** A node, or what lies beside the nodes in one. */
export type Node = Readonly<Record<string, unknown>>

/** The node that a value is, without what only TypeScript sees around an expression. */
export const nodeOf = (value: unknown): Node | undefined => {
  if (!isRecord(value)) return undefined
  return transparent.has(String(value["type"])) ? nodeOf(value["expression"]) : value
}

const isRecord = (value: unknown): value is Node => typeof value === "object" && value !== null

const transparent = new Set([
  "ParenthesizedExpression",
  "TSAsExpression",
  "TSInstantiationExpression",
  "TSNonNullExpression",
  "TSSatisfiesExpression",
  "TSTypeAssertion",
])

/** The nodes of a list. */
export const nodesOf = (value: unknown): ReadonlyArray<Node> =>
  Array.isArray(value) ? value.map(nodeOf).filter((node) => node !== undefined) : []

/** Whether a node only matters to the type checker, or says that something is there which is made elsewhere. */
const isTypeOnly = (node: Node): boolean =>
  node["declare"] === true ||
  (String(node["type"]).startsWith("TS") && !/^TS(?:Enum|Export|Module)/.test(String(node["type"])))

/** What holds no code: comments, types, names of imports. */
const noCode = new Set([
  "extra",
  "innerComments",
  "leadingComments",
  "loc",
  "returnType",
  "superTypeParameters",
  "trailingComments",
  "typeAnnotation",
  "typeArguments",
  "typeParameters",
])

/** The nodes within a node that are code. A name that is only a key is none. */
export const childrenOf = (node: Node): ReadonlyArray<Node> => {
  if (node["type"] === "ImportDeclaration") return []
  return Object.entries(node).flatMap(([key, value]) => {
    if (noCode.has(key)) return []
    if ((key === "key" || key === "property" || key === "label") && node["computed"] !== true) return []
    const children = Array.isArray(value) ? nodesOf(value) : [nodeOf(value)]
    return children.filter((child) => child !== undefined).filter((child) => !isTypeOnly(child))
  })
}

/** The name of an identifier. */
export const nameOf = (value: unknown): string | undefined => {
  const node = nodeOf(value)
  return node?.["type"] === "Identifier" ? String(node["name"]) : undefined
}

/** The text that a literal is. */
export const literalOf = (value: unknown): string | undefined => {
  const node = nodeOf(value)
  if (node?.["type"] === "StringLiteral") return String(node["value"])
  if (node?.["type"] !== "TemplateLiteral" || nodesOf(node["expressions"]).length > 0) return undefined
  const cooked = nodeOf(nodesOf(node["quasis"])[0]?.["value"])?.["cooked"]
  return typeof cooked === "string" ? cooked : undefined
}

/** The name of a key, as it stands or as a literal; nothing when it is put together. */
export const keyOf = (key: unknown, computed: unknown): string | undefined =>
  literalOf(key) ?? (computed === true ? undefined : nameOf(key))

/** What `object.property` or `object["property"]` is; `property` is nothing when it is put together. */
export const memberOf = (value: unknown) => {
  const node = nodeOf(value)
  return node !== undefined && /^(?:Optional)?MemberExpression$/.test(String(node["type"]))
    ? { object: node["object"], property: keyOf(node["property"], node["computed"]) }
    : undefined
}
