/**
 * How the text of one file uses `mill`: where it calls `mill.spawn`, and which agents and models it names. Scopes are not
 * looked at, and what is put together while the program runs cannot be seen: then `unseen` says so.
 */
import type { Unseen } from "../../domain/submission.schema.ts"
import { childrenOf, keyOf, literalOf, memberOf, nameOf, type Node, nodeOf, nodesOf } from "./syntax-tree.ts"

export type ProgramUses = {
  readonly spawnCalls: number
  readonly agents: ReadonlyArray<string>
  readonly models: ReadonlyArray<string>
  readonly unseen: ReadonlyArray<Unseen>
}

/** The names that a file gives to what matters here. */
type Names = {
  /** Constants and their values; nothing where there are two of a name. */
  readonly constants: Map<string, Node | undefined>
  /** What else `mill.spawn` is called. */
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

/** The names of what `const { … } = mill` takes out; nothing where that cannot be seen. */
const takenFromMill = (pattern: Node): ReadonlyArray<readonly [key: string, name: string]> | undefined => {
  if (pattern["type"] !== "ObjectPattern") return undefined
  const taken: Array<readonly [string, string]> = []
  for (const { computed, key, type, value } of nodesOf(pattern["properties"])) {
    const [from, to] = [keyOf(key, computed), nameOf(value)]
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
      for (const [key, taken] of takenFromMill(pattern) ?? []) if (key === "spawn") names.spawns.add(taken)
    }
  }
  for (const child of childrenOf(node)) collectNames(child, names)
}

/** How far a constant is followed to others. */
const maxSteps = 5

/** The texts that an expression may be; `false` among them stands for those that cannot be seen. */
const textsOf = (value: unknown, names: Names, steps = 0): ReadonlyArray<string | false> => {
  const node = nodeOf(value)
  const literal = literalOf(node)
  if (literal !== undefined) return [literal]
  switch (node?.["type"]) {
    case "ConditionalExpression":
      return [...textsOf(node["consequent"], names, steps), ...textsOf(node["alternate"], names, steps)]
    case "LogicalExpression":
      return [...textsOf(node["left"], names, steps), ...textsOf(node["right"], names, steps)]
    case "Identifier": {
      const constant = names.constants.get(String(node["name"]))
      return constant === undefined || steps >= maxSteps ? [false] : textsOf(constant, names, steps + 1)
    }
    default:
      return [false]
  }
}

/** How the statements of a file use `mill`. */
export const usesOf = (statements: unknown): ProgramUses => {
  const names: Names = { constants: new Map(), spawns: new Set() }
  const body = nodesOf(statements)
  for (const statement of body) collectNames(statement, names)
  const named = { agent: new Set<string>(), model: new Set<string>() }
  const unseen = new Set<Unseen>()
  let spawnCalls = 0

  const note = (field: "agent" | "model", value: unknown) => {
    for (const text of textsOf(value, names)) {
      if (text === false) unseen.add(`${field}s`)
      else named[field].add(text)
    }
  }

  /** What is asked for may lie elsewhere than in the call. */
  const look = (options: Node | undefined) => {
    const fields = options?.["type"] === "ObjectExpression" ? nodesOf(options["properties"]) : []
    const keys = fields.map(({ computed, key }) => keyOf(key, computed))
    for (const field of ["agent", "model"] as const) if (!keys.includes(field)) unseen.add(`${field}s`)
  }

  const onCall = (node: Node): ReadonlyArray<Node> | undefined => {
    const callee = nodeOf(node["callee"])
    const given = nodesOf(node["arguments"])
    if (isSpawn(callee) || names.spawns.has(nameOf(callee) ?? "")) {
      spawnCalls += 1
      look(given[0])
      return given
    }
    // Code that is not in the text.
    if (["eval", "Function"].includes(nameOf(callee) ?? "")) unseen.add("spawns")
    if (callee?.["type"] === "Import" && literalOf(given[0]) === undefined) unseen.add("spawns")
    return undefined
  }

  const onMember = (node: Node): ReadonlyArray<Node> | undefined => {
    const { object, property } = memberOf(node) ?? {}
    const isKnown = property !== undefined && property !== "spawn"
    if (isMill(object)) {
      // As a value, `mill.spawn` is called by whoever gets it.
      if (!isKnown) unseen.add("spawns")
      return []
    }
    if (nameOf(object) !== "globalThis") return undefined
    if (!isKnown || property === "mill") unseen.add("spawns")
    return []
  }

  const within = (node: Node): ReadonlyArray<Node> | undefined => {
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
        const taken = isMill(node["init"]) && pattern !== undefined && takenFromMill(pattern) !== undefined
        return taken ? [] : undefined
      }
      case "ObjectExpression":
        for (const { computed, key, value } of nodesOf(node["properties"])) {
          const field = keyOf(key, computed)
          if (field === "agent" || field === "model") note(field, value)
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
    for (const child of within(node) ?? childrenOf(node)) visit(child)
  }
  for (const statement of body) visit(statement)
  return { spawnCalls, agents: [...named.agent], models: [...named.model], unseen: [...unseen] }
}
