/** Finds which declaration a name in a syntax tree refers to. Types are not declarations. */
import { childrenOf, type Node, nameOf, nodeOf, nodesOf, propertyNameOf } from "./syntax-tree.ts"

/** A declared name. If it always has the value of an expression or of a property of it, `origin` is that expression. */
export type Binding = {
  readonly origin?:
    | { readonly node: unknown; readonly keys: ReadonlyArray<string>; readonly scope: Scope }
    | undefined
}

/** The names declared in a part of a file, and the part around it. */
export type Scope = { readonly names: Map<string, Binding>; readonly parent?: Scope | undefined }

/** The declaration of a name; undefined for a global. */
export const findBinding = (name: string, scope: Scope | undefined): Binding | undefined =>
  scope === undefined ? undefined : (scope.names.get(name) ?? findBinding(name, scope.parent))

/** The names in a pattern, with the keys that lead to them; undefined keys for what is not a plain property. */
type NamedPlace = readonly [name: string, keys: ReadonlyArray<string> | undefined]

const listNames = (pattern: unknown, keys: ReadonlyArray<string> | undefined): ReadonlyArray<NamedPlace> => {
  const node = nodeOf(pattern)
  switch (node?.["type"]) {
    case "Identifier":
      return [[String(node["name"]), keys]]
    case "ObjectPattern":
      return nodesOf(node["properties"]).flatMap(({ argument, computed, key, type, value }) => {
        const name = propertyNameOf(key, computed)
        if (type === "RestElement") return listNames(argument, undefined)
        return listNames(value, keys === undefined || name === undefined ? undefined : [...keys, name])
      })
    case "ArrayPattern":
      return nodesOf(node["elements"]).flatMap((element) => listNames(element, undefined))
    case "AssignmentPattern":
      return listNames(node["left"], undefined)
    case "RestElement":
      return listNames(node["argument"], undefined)
    case "TSParameterProperty":
      return listNames(node["parameter"], undefined)
    default:
      return []
  }
}

const isFunction = ({ type }: Node): boolean =>
  /^(?:ArrowFunctionExpression|Function(?:Declaration|Expression)|(?:Object|Class(?:Private)?)Method)$/.test(
    String(type),
  )

const declare = (scope: Scope, names: ReadonlyArray<NamedPlace>) => {
  for (const [name] of names) scope.names.set(name, {})
}

const declareVariables = (scope: Scope, declaration: Node) => {
  if (declaration["declare"] === true) return
  for (const declarator of nodesOf(declaration["declarations"])) {
    for (const [name, keys] of listNames(declarator["id"], [])) {
      const isConstant = declaration["kind"] === "const" && keys !== undefined && declarator["init"] !== null
      scope.names.set(name, isConstant ? { origin: { node: declarator["init"], keys, scope } } : {})
    }
  }
}

/** Declares what statements declare for the block that they are in. */
const declareStatements = (scope: Scope, statements: ReadonlyArray<Node>) => {
  for (const statement of statements) {
    const exported = nodeOf(statement["declaration"])
    if (String(statement["type"]).startsWith("Export") && exported !== undefined) {
      declareStatements(scope, [exported])
    } else if (statement["type"] === "ImportDeclaration") {
      if (statement["importKind"] === "type") continue
      declare(
        scope,
        nodesOf(statement["specifiers"]).flatMap(({ local }) => listNames(local, undefined)),
      )
    } else if (statement["type"] === "VariableDeclaration") {
      declareVariables(scope, statement)
    } else if (
      /^(?:(?:Function|Class|TSEnum|TSModule)Declaration|TSImportEqualsDeclaration)$/.test(
        String(statement["type"]),
      ) &&
      statement["declare"] !== true
    ) {
      declare(scope, listNames(statement["id"], undefined))
    }
  }
}

/** Declares the `var`s in a function, wherever they are. */
const declareVars = (scope: Scope, node: Node) => {
  if (node["type"] === "VariableDeclaration" && node["kind"] === "var") declareVariables(scope, node)
  if (!isFunction(node)) for (const child of childrenOf(node)) declareVars(scope, child)
}

/** The scope of a file. */
export const openFile = (statements: ReadonlyArray<Node>): Scope => {
  const scope: Scope = { names: new Map() }
  for (const statement of statements) declareVars(scope, statement)
  declareStatements(scope, statements)
  return scope
}

/** The scope inside a node: a new one if the node may declare names. */
export const openScope = (node: Node, parent: Scope): Scope => {
  const scope: Scope = { names: new Map(), parent }
  if (isFunction(node)) {
    if (node["type"] === "FunctionExpression") declare(scope, listNames(node["id"], undefined))
    declare(
      scope,
      nodesOf(node["params"]).flatMap((param) => listNames(param, undefined)),
    )
    const body = nodeOf(node["body"])
    if (body !== undefined) declareVars(scope, body)
    return scope
  }
  switch (node["type"]) {
    case "BlockStatement":
    case "StaticBlock":
    case "TSModuleBlock":
      declareStatements(scope, nodesOf(node["body"]))
      return scope
    case "SwitchStatement":
      declareStatements(
        scope,
        nodesOf(node["cases"]).flatMap(({ consequent }) => nodesOf(consequent)),
      )
      return scope
    case "ForStatement":
    case "ForInStatement":
    case "ForOfStatement":
      declareStatements(
        scope,
        [nodeOf(node["init"]), nodeOf(node["left"])].filter((one) => one !== undefined),
      )
      return scope
    case "CatchClause":
      declare(scope, listNames(node["param"], undefined))
      return scope
    case "ClassExpression":
      declare(scope, listNames(node["id"], undefined))
      return scope
    default:
      return parent
  }
}

/** The path of an expression from a global name: `["mill", "run", "id"]`; undefined for any other expression. */
export const readGlobalPath = (
  value: unknown,
  scope: Scope,
  steps = 0,
): ReadonlyArray<string> | undefined => {
  const node = nodeOf(value)
  if (node === undefined || steps > maxSteps) return undefined
  const name = nameOf(node)
  if (name !== undefined) {
    const binding = findBinding(name, scope)
    if (binding === undefined) return name === "globalThis" || name === "global" ? [] : [name]
    const { origin } = binding
    const base = origin === undefined ? undefined : readGlobalPath(origin.node, origin.scope, steps + 1)
    return base === undefined || origin === undefined ? undefined : [...base, ...origin.keys]
  }
  if (!/^(?:Optional)?MemberExpression$/.test(String(node["type"]))) return undefined
  const property = propertyNameOf(node["property"], node["computed"])
  const object = readGlobalPath(node["object"], scope, steps)
  return property === undefined || object === undefined ? undefined : [...object, property]
}

/** How many constants are followed to the value of another. */
const maxSteps = 5
