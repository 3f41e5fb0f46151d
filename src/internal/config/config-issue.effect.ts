/** What is wrong with a configuration, in one line: which key, what was found, what is allowed. */
import type { Schema } from "effect"
import { SchemaIssue } from "effect"
import {
  Authoring,
  DirectExecutorConfig,
  MillConfig,
  ProcessDriverConfig,
  VmExecutorConfig,
} from "../../domain/config.schema.ts"
import { ApiKey, HttpDriverConfig } from "../../domain/http-config.schema.ts"
import { ExtensionConfig, FunctionDoc } from "../../domain/extension.schema.ts"

/** A problem at a key; `hint` says what would do. */
export type ConfigProblem = { readonly key: string; readonly message: string; readonly hint?: string }

type Leaf = { readonly path: ReadonlyArray<PropertyKey>; readonly issue: SchemaIssue.Issue }

/** The first thing that is wrong, and where. */
const firstLeaf = (issue: SchemaIssue.Issue, path: ReadonlyArray<PropertyKey>): Leaf => {
  switch (issue._tag) {
    case "Pointer":
      return firstLeaf(issue.issue, [...path, ...issue.path])
    case "Composite":
      return firstLeaf(issue.issues[0], path)
    // Of a union: what is wrong with the one that was meant.
    case "AnyOf":
      return issue.issues.length === 1 && issue.issues[0] !== undefined
        ? firstLeaf(issue.issues[0], path)
        : { path, issue }
    case "Encoding":
      return firstLeaf(issue.issue, path)
    default:
      return { path, issue }
  }
}

/**
 * The keys of the parts of a configuration, by their place in it; a number or a name stands for `*`. What comes in
 * several types has its type behind the place.
 */
const allowed: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  "": MillConfig.fields,
  authoring: Authoring.fields,
  "drivers.*": ProcessDriverConfig.fields,
  "drivers.*:http": HttpDriverConfig.fields,
  "drivers.*.apiKey": ApiKey.fields,
  "executors.*": DirectExecutorConfig.fields,
  "executors.*:vm": VmExecutorConfig.fields,
  "extensions.*": ExtensionConfig.fields,
  "extensions.*.docs.*": FunctionDoc.fields,
}

const allowedAt = (value: unknown, path: ReadonlyArray<PropertyKey>): ReadonlyArray<string> => {
  const place = path.map((key, depth) => (depth % 2 === 0 ? String(key) : "*")).join(".")
  const type = valueAt(value, [...path, "type"])
  return Object.keys(allowed[`${place}:${String(type)}`] ?? allowed[place] ?? {})
}

const valueAt = (value: unknown, path: ReadonlyArray<PropertyKey>): unknown =>
  path.reduce<unknown>(
    (at, key) => (typeof at === "object" && at !== null ? Reflect.get(at, key) : undefined),
    value,
  )

const shown = (value: unknown): string => {
  if (typeof value === "function") return "a function"
  if (typeof value === "object" && value !== null) return Array.isArray(value) ? "an array" : "an object"
  return typeof value === "string" ? JSON.stringify(value.slice(0, 60)) : String(value)
}

/** Where somebody may have put a key by mistake: what stands there is not repeated. */
const mayBeSecret = (path: ReadonlyArray<PropertyKey>): boolean =>
  path[0] === "drivers" && (path[2] === "apiKey" || path[2] === "headers" || path[2] === "url")

const keyOf = (path: ReadonlyArray<PropertyKey>): string => path.map(String).join(".")

const format = SchemaIssue.makeFormatterStandardSchemaV1()

/** The first problem of a value that did not decode as a configuration. */
export const configProblem = (value: unknown, error: Schema.SchemaError): ConfigProblem => {
  const { issue, path } = firstLeaf(error.issue, [])
  const key = keyOf(path)
  if (issue._tag === "UnexpectedKey") {
    const holder = path.slice(0, -1)
    if (holder[2] === "headers") return { key: keyOf(holder), message: `${key} is no name of a header` }
    const known = allowedAt(value, holder)
    const close = closest(String(path.at(-1)), known)
    return {
      key,
      message: `unknown key ${key}`,
      hint: close === undefined ? `allowed here: ${known.join(", ")}` : `did you mean ${close}?`,
    }
  }
  if (issue._tag === "AnyOf" && path.length === 2 && path[0] === "drivers") {
    return { key: `${key}.type`, message: `${key} is no driver: make it with processDriver or httpDriver` }
  }
  if (issue._tag === "MissingKey") return { key, message: `${key} is missing` }
  if (mayBeSecret(path)) return { key, message: `${key} cannot be used; ${lower(expectation(issue))}` }
  return {
    key,
    message: `${key === "" ? "the default export" : key} is ${shown(valueAt(value, path))}; ${lower(expectation(issue))}`,
  }
}

const expectation = (issue: SchemaIssue.Issue): string =>
  (format(issue).issues[0]?.message ?? "").split(", got ")[0] || "expected something else"

const lower = (text: string): string => text.replace(/^Expected /, "expected ")

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
