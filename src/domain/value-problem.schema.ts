/** What is wrong with a value that did not decode, in one line: which key, what was found, what is allowed. */
import { Schema, SchemaIssue } from "effect"

/** A problem at a key; `hint` says what would do. */
export const ValueProblem = Schema.Struct({
  key: Schema.String,
  message: Schema.String,
  hint: Schema.optional(Schema.String),
})
export type ValueProblem = typeof ValueProblem.Type

/** Where in a value: the keys that lead there. */
export type Place = ReadonlyArray<PropertyKey>

/** What a schema alone does not say of a value. */
export type Described = {
  /** What is wrong with a name of one's own choice at a place, where there may be such names. */
  readonly badName?: (holder: Place, name: string) => string | undefined
  /** Whether what stands at a place must not be repeated. */
  readonly isSecret?: (place: Place) => boolean
}

type Leaf = readonly [issue: SchemaIssue.Issue, path: Place]

/** The first thing that is wrong, and where. */
export const firstLeaf = (issue: SchemaIssue.Issue, path: Place = []): Leaf => {
  switch (issue._tag) {
    case "Pointer":
      return firstLeaf(issue.issue, [...path, ...issue.path])
    case "Composite":
      return firstLeaf(issue.issues[0], path)
    // Of a union: what is wrong with the one that was meant.
    case "AnyOf":
      return issue.issues.length === 1 && issue.issues[0] !== undefined
        ? firstLeaf(issue.issues[0], path)
        : [issue, path]
    case "Encoding":
      return firstLeaf(issue.issue, path)
    default:
      return [issue, path]
  }
}

/** What stands at a place. */
export const valueAt = (value: unknown, path: Place): unknown =>
  path.reduce<unknown>(
    (at, key) => (typeof at === "object" && at !== null ? Reflect.get(at, key) : undefined),
    value,
  )

/** A value in a few words. */
export const shown = (value: unknown): string => {
  if (typeof value === "function") return "a function"
  if (typeof value === "object" && value !== null) return Array.isArray(value) ? "an array" : "an object"
  return typeof value === "string" ? JSON.stringify(value.slice(0, 60)) : String(value)
}

/** A place as a person writes it: `drivers.a.codec`. */
export const keyOf = (path: Place): string => path.map(String).join(".")

/** The first problem of a value that did not decode; `whole` is what to call it, `allowed` the keys at a place. */
export const inputProblem = (
  whole: string,
  allowed: (place: Place) => ReadonlyArray<string>,
  value: unknown,
  error: Schema.SchemaError,
  { badName, isSecret }: Described = {},
): ValueProblem => {
  const [issue, path] = firstLeaf(error.issue)
  const key = keyOf(path)
  if (issue._tag === "UnexpectedKey") {
    const holder = path.slice(0, -1)
    const name = String(path.at(-1))
    const bad = badName?.(holder, name)
    if (bad !== undefined) return { key: keyOf(holder), message: `${key} ${bad}` }
    return { key, message: `unknown key ${key}`, hint: suggestion(name, allowed(holder), "allowed here") }
  }
  if (issue._tag === "MissingKey") return { key, message: `${key} is missing` }
  const expected = expectation(issue)
  return {
    key,
    message:
      isSecret?.(path) === true
        ? `${key} cannot be used; ${expected}`
        : `${key === "" ? whole : key} is ${shown(valueAt(value, path))}; ${expected}`,
  }
}

/** What an issue says was expected. */
export const expectation = (issue: SchemaIssue.Issue): string =>
  ((format(issue).issues[0]?.message ?? "").split(", got ")[0] || "expected something else").replace(
    /^Expected /,
    "expected ",
  )

const format = SchemaIssue.makeFormatterStandardSchemaV1()

/** What would do instead of a word: the one of `known` that was probably meant, or all of them, as `what`. */
export const suggestion = (word: string, known: ReadonlyArray<string>, what: string): string => {
  const close = closest(word, known)
  return close === undefined ? `${what}: ${known.join(", ") || "nothing"}` : `did you mean ${close}?`
}

/** The one of `known` that `word` was probably meant to be. */
export const closest = (word: string, known: ReadonlyArray<string>): string | undefined => {
  const [best] = known
    .map((candidate) => ({ candidate, distance: distance(word.toLowerCase(), candidate.toLowerCase()) }))
    .filter((one) => one.distance <= Math.max(1, Math.floor(word.length / 3)))
    .sort((a, b) => a.distance - b.distance)
  return best?.candidate
}

/** How many letters must be added, removed or changed to make one word of the other (Levenshtein). */
const distance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1]
    for (const [j, other] of [...b].entries()) {
      next.push(
        Math.min((row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1, (row[j] ?? 0) + (letter === other ? 0 : 1)),
      )
    }
    row = next
  }
  return row[b.length] ?? 0
}
