/** Finds values that JSON cannot represent. The program's own process loads this module, so it imports nothing. */

/** The path and kind of the first part of `value` that JSON cannot represent, such as `$.items[3] is a BigInt`. */
export const findJsonProblem = (value: unknown): string | undefined => findProblem(value, "$", new Set())

/** `above` holds the objects that contain the value, and is left as it was. */
const findProblem = (value: unknown, path: string, above: Set<object>): string | undefined => {
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
      return value === null ? undefined : findInObject(value, path, above)
    default:
      return undefined
  }
}

const findInObject = (value: object, path: string, above: Set<object>): string | undefined => {
  if (above.has(value)) return `${path} contains itself`
  if (above.size > 2000) return `${path} is nested too deeply`
  above.add(value)
  const problem = findInContents(value, path, above)
  above.delete(value)
  return problem
}

const findInContents = (value: object, path: string, above: Set<object>): string | undefined => {
  if ("toJSON" in value && typeof value.toJSON === "function") {
    const json: unknown = value.toJSON()
    return json === value ? undefined : findProblem(json, path, above)
  }
  const kind = Object.prototype.toString.call(value)
  if (kind !== "[object Object]" && kind !== "[object Array]") return `${path} is a ${kind.slice(8, -1)}`
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      const problem =
        item === undefined ? `${path}[${index}] is undefined` : findProblem(item, `${path}[${index}]`, above)
      if (problem !== undefined) return problem
    }
    return undefined
  }
  for (const [key, item] of Object.entries(value)) {
    const step = /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`
    const problem = findProblem(item, `${path}${step}`, above)
    if (problem !== undefined) return problem
  }
  return undefined
}
