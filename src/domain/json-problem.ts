/** Why a value is not JSON, and where in it. The program's own process loads this: it imports nothing. */

/** The first part of `value` that JSON cannot hold, as a path such as `$.items[3]` and a reason; nothing when all is well. */
export const findJsonProblem = (value: unknown): string | undefined => problemAt(value, "$", new Set())

/** `above` holds the objects that the value lies in; it is the same after as before. */
const problemAt = (value: unknown, path: string, above: Set<object>): string | undefined => {
  switch (typeof value) {
    case "bigint":
      return `${path} is a BigInt`
    case "function":
      return `${path} is a function`
    case "symbol":
      return `${path} is a symbol`
    case "number":
      return Number.isFinite(value) ? undefined : `${path} is ${value}`
    case "object":
      return value === null ? undefined : objectProblem(value, path, above)
    default:
      return undefined
  }
}

const objectProblem = (value: object, path: string, above: Set<object>): string | undefined => {
  if (above.has(value)) return `${path} contains itself`
  if (above.size > 2000) return `${path} is nested too deeply`
  above.add(value)
  const problem = contentsProblem(value, path, above)
  above.delete(value)
  return problem
}

const contentsProblem = (value: object, path: string, above: Set<object>): string | undefined => {
  if ("toJSON" in value && typeof value.toJSON === "function") {
    const json: unknown = value.toJSON()
    return json === value ? undefined : problemAt(json, path, above)
  }
  const kind = Object.prototype.toString.call(value)
  if (kind !== "[object Object]" && kind !== "[object Array]") return `${path} is a ${kind.slice(8, -1)}`
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      const problem =
        item === undefined ? `${path}[${index}] is undefined` : problemAt(item, `${path}[${index}]`, above)
      if (problem !== undefined) return problem
    }
    return undefined
  }
  for (const [key, item] of Object.entries(value)) {
    const step = /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`
    const problem = problemAt(item, `${path}${step}`, above)
    if (problem !== undefined) return problem
  }
  return undefined
}
