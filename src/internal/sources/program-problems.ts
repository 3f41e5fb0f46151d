/**
 * Finds mistakes in a file's use of `mill`: members that do not exist, and calls of `mill.spawn` that mill would refuse. Does
 * not evaluate anything. Does not report a member that the program tests for, unless its name is close to that of another.
 */
import { Result } from "effect"
import { checkSpawnInput } from "../../domain/spawn-input.ts"
import type { ProgramProblem } from "../../domain/submission.schema.ts"
import { findClosest, suggest } from "../../domain/suggestion.ts"
import { openFile, openScope, readGlobalPath, type Scope } from "./scopes.ts"
import { childrenOf, literalOf, memberOf, type Node, nodeOf, nodesOf, propertyNameOf } from "./syntax-tree.ts"

/** The members of an object; those of an `unknown` one are not checked. */
export type Members = { readonly [name: string]: Members | "unknown" }

/** Where a node starts, with columns counted from 1. */
const formatPosition = (path: string, node: Node): string => {
  const start = nodeOf(nodeOf(node["loc"])?.["start"])
  return `${path}:${String(start?.["line"] ?? 1)}:${Number(start?.["column"] ?? 0) + 1}`
}

/** Stands for a value that the text does not show. It counts as a valid field. */
const hidden = "unknown"

/** The value of a literal; `hidden` for any other expression. */
const readValue = (value: unknown): unknown => {
  const node = nodeOf(value)
  switch (node?.["type"]) {
    case "NumericLiteral":
    case "BooleanLiteral":
      return node["value"]
    case "NullLiteral":
      return null
    case "ArrayExpression":
      return []
    case "ObjectExpression":
    case "ArrowFunctionExpression":
    case "FunctionExpression":
      return {}
    default:
      return literalOf(node) ?? hidden
  }
}

/** The value of a property. That of a getter is not in the text. */
const readProperty = (property: Node): unknown => {
  if (property["type"] === "ObjectProperty") return readValue(property["value"])
  return property["kind"] === "get" ? hidden : {}
}

/** The fields of an object in the text. `isWhole` is false if it may have others, which replace those before them. */
const readFields = (object: Node) => {
  const places = new Map<string, Node>()
  const values: Record<string, unknown> = {}
  let isWhole = true
  for (const property of nodesOf(object["properties"])) {
    const name = propertyNameOf(property["key"], property["computed"])
    if (name === undefined) {
      isWhole = false
      for (const earlier of Object.keys(values)) values[earlier] = hidden
    } else if (!isUndefined(property["value"])) {
      places.set(name, property)
      values[name] = readProperty(property)
    }
  }
  return { isWhole, places, values }
}

const isUndefined = (value: unknown): boolean => {
  const node = nodeOf(value)
  return node?.["type"] === "Identifier" && node["name"] === "undefined"
}

/** The expressions that a condition tests: `a` and `b` in `a && !b`. */
const listConditions = (value: unknown): ReadonlyArray<Node> => {
  const node = nodeOf(value)
  switch (node?.["type"]) {
    case "LogicalExpression":
    case "BinaryExpression":
      return [...listConditions(node["left"]), ...listConditions(node["right"])]
    case "UnaryExpression":
      return listConditions(node["argument"])
    default:
      return node === undefined ? [] : [node]
  }
}

/** The expressions that a node checks before it uses them. */
const listChecked = (node: Node): ReadonlyArray<Node> => {
  switch (node["type"]) {
    case "IfStatement":
    case "ConditionalExpression":
      return listConditions(node["test"])
    case "LogicalExpression":
      return listConditions(node["left"])
    case "UnaryExpression":
      return ["!", "typeof"].includes(String(node["operator"])) ? listConditions(node["argument"]) : []
    case "OptionalCallExpression":
      return node["optional"] === true ? listConditions(node["callee"]) : []
    case "OptionalMemberExpression":
      return node["optional"] === true ? listConditions(node["object"]) : []
    default:
      return []
  }
}

/** What the program runs with: the members of `mill`, and the driver, if its spawns must name a model. */
export type ProgramWorld = { readonly members: Members; readonly modelNeededBy?: string | undefined }

/** Finds the mistakes in the statements of a file. */
export const findProblems = (
  statements: unknown,
  path: string,
  { members, modelNeededBy }: ProgramWorld,
): ReadonlyArray<ProgramProblem> => {
  const found: Array<ProgramProblem & { readonly isChecked: (checked: ReadonlySet<string>) => boolean }> = []
  const checked = new Set<string>()
  const body = nodesOf(statements)

  const membersAt = (at: ReadonlyArray<string> | undefined): Members | "unknown" | undefined => {
    if (at?.[0] !== "mill") return undefined
    return at
      .slice(1)
      .reduce<Members | "unknown" | undefined>(
        (all, name) => (typeof all === "object" && Object.hasOwn(all, name) ? all[name] : undefined),
        members,
      )
  }

  const checkMember = (at: ReadonlyArray<string> | undefined, name: string | undefined, node: Node) => {
    const known = membersAt(at)
    if (at === undefined || name === undefined || typeof known !== "object") return
    if (Object.hasOwn(known, name) || name in Object.prototype) return
    const names = Object.keys(known)
    const full = [...at, name].join(".")
    const isTypo = findClosest(name, names) !== undefined
    found.push({
      location: formatPosition(path, node),
      message: `${full} does not exist`,
      hint: suggest(name, names, `members of ${at.join(".")}`),
      isChecked: (all) => !isTypo && all.has(full),
    })
  }

  const checkPattern = (pattern: unknown, at: ReadonlyArray<string> | undefined) => {
    const node = nodeOf(pattern)
    if (at === undefined || node?.["type"] !== "ObjectPattern") return
    for (const property of nodesOf(node["properties"])) {
      const name = propertyNameOf(property["key"], property["computed"])
      if (name === undefined) continue
      const inner = nodeOf(property["value"])
      if (inner?.["type"] === "AssignmentPattern") checked.add([...at, name].join("."))
      checkMember(at, name, property)
      checkPattern(inner, [...at, name])
    }
  }

  const checkCall = (call: Node) => {
    const [options] = nodesOf(call["arguments"])
    const isObject = options?.["type"] === "ObjectExpression"
    if (!isObject && options !== undefined && literalOf(options) === undefined) return
    const { isWhole, places, values } = readFields(options ?? {})
    const input = isObject ? values : literalOf(options)
    const problems = Result.match(checkSpawnInput(input), { onFailure: (all) => all, onSuccess: () => [] })
    for (const { hint, key, message } of problems) {
      const place = key === undefined ? undefined : places.get(key)
      if (isObject && !isWhole && place === undefined) continue
      found.push({
        location: formatPosition(path, place ?? call),
        message: `mill.spawn: ${message}`,
        hint,
        isChecked: () => false,
      })
    }
  }

  const checkModel = (call: Node) => {
    const [options] = nodesOf(call["arguments"])
    if (modelNeededBy === undefined || options?.["type"] !== "ObjectExpression") return
    const { isWhole, places } = readFields(options)
    // A conversation keeps its own model.
    if (!isWhole || places.has("model") || places.has("sessionRef")) return
    found.push({
      location: formatPosition(path, call),
      message: `mill.spawn: model is missing, and driver ${modelNeededBy} has no defaultModel`,
      isChecked: () => false,
    })
  }

  const visit = (node: Node, around: Scope): void => {
    const scope = openScope(node, around)
    for (const condition of listChecked(node)) checked.add(readGlobalPath(condition, scope)?.join(".") ?? "")
    switch (node["type"]) {
      case "MemberExpression":
      case "OptionalMemberExpression": {
        const { object, property } = memberOf(node) ?? {}
        checkMember(readGlobalPath(object, scope), property, nodeOf(node["property"]) ?? node)
        break
      }
      case "VariableDeclarator":
        checkPattern(node["id"], readGlobalPath(node["init"], scope))
        break
      case "AssignmentExpression":
        checkPattern(node["left"], readGlobalPath(node["right"], scope))
        break
      case "BinaryExpression":
        if (node["operator"] === "in")
          checked.add(
            [...(readGlobalPath(node["right"], scope) ?? []), literalOf(node["left"]) ?? ""].join("."),
          )
        break
      case "CallExpression":
      case "OptionalCallExpression":
        if (readGlobalPath(node["callee"], scope)?.join(".") === "mill.spawn") {
          checkCall(node)
          checkModel(node)
        }
        break
    }
    for (const child of childrenOf(node)) visit(child, scope)
  }
  const file = openFile(body)
  for (const statement of body) visit(statement, file)
  return found
    .filter(({ isChecked }) => !isChecked(checked))
    .map(({ hint, location, message }) => ({ location, message, hint }))
}
