/** Reads nodes of Babel's syntax tree without assuming their types. */

/** A node, or another object in the tree. */
export type Node = Readonly<Record<string, unknown>>

/** A value as a node, without parentheses and type assertions around an expression. */
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

/** Whether a node is a type or a `declare`, which is not code. */
const isTypeOnly = (node: Node): boolean =>
  node["declare"] === true ||
  (String(node["type"]).startsWith("TS") && !/^TS(?:Enum|Export|Module)/.test(String(node["type"])))

/** Keys of nodes that hold comments, positions or types. */
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

/** The child nodes that are code. Names that are only keys are left out. */
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

/** The value of a string literal. */
export const literalOf = (value: unknown): string | undefined => {
  const node = nodeOf(value)
  if (node?.["type"] === "StringLiteral") return String(node["value"])
  if (node?.["type"] !== "TemplateLiteral" || nodesOf(node["expressions"]).length > 0) return undefined
  const cooked = nodeOf(nodesOf(node["quasis"])[0]?.["value"])?.["cooked"]
  return typeof cooked === "string" ? cooked : undefined
}

/** The name of a key, unless it is computed. */
export const propertyNameOf = (key: unknown, computed: unknown): string | undefined =>
  literalOf(key) ?? (computed === true ? undefined : nameOf(key))

/** The parts of `object.property` or `object["property"]`; a computed `property` is undefined. */
export const memberOf = (value: unknown) => {
  const node = nodeOf(value)
  return node !== undefined && /^(?:Optional)?MemberExpression$/.test(String(node["type"]))
    ? { object: node["object"], property: propertyNameOf(node["property"], node["computed"]) }
    : undefined
}
