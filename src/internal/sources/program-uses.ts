/**
 * Finds how a file uses `mill`: how often it calls `mill.spawn`, and which agents and models it names. Scopes are ignored, and
 * values that are computed at run time are not known: `unseen` lists what may be missing.
 */
import type { Unseen } from "../../domain/submission.schema.ts"
import {
  childrenOf,
  literalOf,
  memberOf,
  nameOf,
  type Node,
  nodeOf,
  nodesOf,
  propertyNameOf,
} from "./syntax-tree.ts"

export type ProgramUses = {
  readonly spawnCalls: number
  readonly agents: ReadonlyArray<string>
  readonly models: ReadonlyArray<string>
  readonly unseen: ReadonlyArray<Unseen>
}

/** Names declared in a file. */
type Names = {
  /** Constants and their values; undefined for a name that is declared twice. */
  readonly constants: Map<string, Node | undefined>
  /** Other names of `mill.spawn`. */
  readonly spawns: Set<string>
}

const isMill = (value: unknown): boolean => {
  const member = memberOf(value)
  return member === undefined
    ? nameOf(value) === "mill"
    : member.property === "mill" && ["global", "globalThis"].includes(nameOf(member.object) ?? "")
}

const isSpawn = (value: unknown): boolean => {
  const member = memberOf(value)
  return member !== undefined && member.property === "spawn" && isMill(member.object)
}

/** The keys and names in `const { … } = mill`; undefined unless all of them are plain. */
const readMillPattern = (pattern: Node): ReadonlyArray<readonly [key: string, name: string]> | undefined => {
  if (pattern["type"] !== "ObjectPattern") return undefined
  const taken: Array<readonly [string, string]> = []
  for (const { computed, key, type, value } of nodesOf(pattern["properties"])) {
    const [from, to] = [propertyNameOf(key, computed), nameOf(value)]
    if (type !== "ObjectProperty" || from === undefined || to === undefined) return undefined
    taken.push([from, to])
  }
  return taken
}

const collectNames = (node: Node, names: Names): void => {
  const { id, init, kind, declarations } = node
  if (node["type"] === "VariableDeclaration" && kind === "const") {
    for (const declarator of nodesOf(declarations)) {
      const name = nameOf(declarator["id"])
      if (name === undefined) continue
      names.constants.set(name, names.constants.has(name) ? undefined : nodeOf(declarator["init"]))
    }
  }
  if (node["type"] === "VariableDeclarator") {
    const name = nameOf(id)
    if (name !== undefined && isSpawn(init)) names.spawns.add(name)
    const pattern = nodeOf(id)
    if (pattern !== undefined && isMill(init)) {
      for (const [key, taken] of readMillPattern(pattern) ?? []) if (key === "spawn") names.spawns.add(taken)
    }
  }
  for (const child of childrenOf(node)) collectNames(child, names)
}

/** How many constants are followed to the value of another. */
const maxSteps = 5

/** The texts that an expression may evaluate to; `false` stands for unknown ones. */
const findTexts = (value: unknown, names: Names, steps = 0): ReadonlyArray<string | false> => {
  const node = nodeOf(value)
  const literal = literalOf(node)
  if (literal !== undefined) return [literal]
  switch (node?.["type"]) {
    case "ConditionalExpression":
      return [...findTexts(node["consequent"], names, steps), ...findTexts(node["alternate"], names, steps)]
    case "LogicalExpression":
      return [...findTexts(node["left"], names, steps), ...findTexts(node["right"], names, steps)]
    case "Identifier": {
      const constant = names.constants.get(String(node["name"]))
      return constant === undefined || steps >= maxSteps ? [false] : findTexts(constant, names, steps + 1)
    }
    default:
      return [false]
  }
}

/** Finds how the statements of a file use `mill`. */
export const findUses = (statements: unknown): ProgramUses => {
  const names: Names = { constants: new Map(), spawns: new Set() }
  const body = nodesOf(statements)
  for (const statement of body) collectNames(statement, names)
  const named = { agent: new Set<string>(), model: new Set<string>() }
  const unseen = new Set<Unseen>()
  let spawnCalls = 0

  const noteValue = (field: "agent" | "model", value: unknown) => {
    for (const text of findTexts(value, names)) {
      if (text === false) unseen.add(`${field}s`)
      else named[field].add(text)
    }
  }

  /** Notes fields that are not in the call itself, but elsewhere. */
  const noteMissing = (options: Node | undefined) => {
    const fields = options?.["type"] === "ObjectExpression" ? nodesOf(options["properties"]) : []
    const keys = fields.map(({ computed, key }) => propertyNameOf(key, computed))
    // Without a model the spawn uses the driver's default, which is not the program's.
    const isWhole = fields.length > 0 && keys.every((key) => key !== undefined)
    if (!keys.includes("agent")) unseen.add("agents")
    if (!keys.includes("model") && !isWhole) unseen.add("models")
  }

  const onCall = (node: Node): ReadonlyArray<Node> | undefined => {
    const callee = nodeOf(node["callee"])
    const given = nodesOf(node["arguments"])
    if (isSpawn(callee) || names.spawns.has(nameOf(callee) ?? "")) {
      spawnCalls += 1
      noteMissing(given[0])
      return given
    }
    // These run code that is not in the text.
    if (["eval", "Function"].includes(nameOf(callee) ?? "")) unseen.add("spawns")
    if (callee?.["type"] === "Import" && literalOf(given[0]) === undefined) unseen.add("spawns")
    return undefined
  }

  const onMember = (node: Node): ReadonlyArray<Node> | undefined => {
    const { object, property } = memberOf(node) ?? {}
    const isKnown = property !== undefined && property !== "spawn"
    if (isMill(object)) {
      // Passed on as a value, `mill.spawn` is called elsewhere.
      if (!isKnown) unseen.add("spawns")
      return []
    }
    if (nameOf(object) !== "globalThis") return undefined
    if (!isKnown || property === "mill") unseen.add("spawns")
    return []
  }

  const visitNode = (node: Node): ReadonlyArray<Node> | undefined => {
    switch (node["type"]) {
      case "CallExpression":
      case "NewExpression":
      case "OptionalCallExpression":
        return onCall(node)
      case "MemberExpression":
      case "OptionalMemberExpression":
        return onMember(node)
      case "ImportExpression":
        if (literalOf(node["source"]) === undefined) unseen.add("spawns")
        return undefined
      case "VariableDeclarator": {
        const pattern = nodeOf(node["id"])
        if (isSpawn(node["init"]) && nameOf(pattern) !== undefined) return []
        const taken = isMill(node["init"]) && pattern !== undefined && readMillPattern(pattern) !== undefined
        return taken ? [] : undefined
      }
      case "ObjectExpression":
        for (const { computed, key, value } of nodesOf(node["properties"])) {
          const field = propertyNameOf(key, computed)
          if (field === "agent" || field === "model") noteValue(field, value)
        }
        return undefined
      case "Identifier":
        if (["mill", "globalThis"].includes(String(node["name"]))) unseen.add("spawns")
        return []
      default:
        return undefined
    }
  }

  const visit = (node: Node): void => {
    for (const child of visitNode(node) ?? childrenOf(node)) visit(child)
  }
  for (const statement of body) visit(statement)
  return { spawnCalls, agents: [...named.agent], models: [...named.model], unseen: [...unseen] }
}
