/** Decodes a configuration, and describes a problem in one line: the key, the value that was found and what is allowed. */
import { Result, Schema } from "effect"
import { builtInDrivers, builtInExecutors, MillConfig } from "../../domain/config.schema.ts"
import type { ExtensionConfig } from "../../domain/extension.schema.ts"
import { findClosest, suggest } from "../../domain/suggestion.ts"
import {
  decodeUntrusted,
  describeValue,
  isPlainObject,
  type Place,
  type ValueProblem,
} from "../../domain/untrusted.ts"

const secretFields = new Set([
  "drivers apiKey",
  "drivers env",
  "drivers headers",
  "drivers url",
  "executors setEnv",
])

/** Whether a value is in a field of a driver or an executor that may hold secrets. */
const isSecret = ([part, , field]: Place): boolean => secretFields.has(`${String(part)} ${String(field)}`)

/** Objects such as a promise or a Map have no keys, so they would pass for an empty configuration. */
const Plain = Schema.Unknown.check(
  Schema.makeFilter((value) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined
    if ("then" in value) return "await it first"
    return isPlainObject(value) ? undefined : "expected a plain object"
  }),
)

/** The problem of a name that is not known; `what` is "driver" or "executor". */
export const describeUnknown = (what: string, name: string, known: ReadonlyArray<string>) => {
  const close = findClosest(name, known)
  return {
    message: `unknown ${what} ${describeValue(name)}; available: ${known.join(", ")}`,
    hint: close === undefined ? undefined : `did you mean ${close}?`,
  }
}

const findDefaultProblems = (
  key: "defaultDriver" | "defaultExecutor",
  what: string,
  name: string | undefined,
  known: ReadonlyArray<string>,
): ReadonlyArray<ValueProblem> => {
  if (name === undefined || known.includes(name)) return []
  const { hint, message } = describeUnknown(what, name, known)
  return [{ key, message: `${key}: ${message}`, hint }]
}

const findExtensionProblems = (extensions: ReadonlyArray<ExtensionConfig>): ReadonlyArray<ValueProblem> =>
  extensions.flatMap(({ api = {}, docs = {}, name }, index) => {
    const first = extensions.findIndex((other) => other.name === name)
    if (first < index) {
      const key = `extensions.${index}.name`
      return [
        { key, message: `${key} is ${JSON.stringify(name)}, but extensions.${first} already has that name` },
      ]
    }
    const functions = Object.keys(api)
    return Object.keys(docs)
      .filter((documented) => !functions.includes(documented))
      .map((documented) => {
        const key = `extensions.${index}.docs.${documented}`
        return {
          key,
          message: `${key} documents a function that is not defined in api`,
          hint: suggest(documented, functions, "functions in api"),
        }
      })
  })

/** What the schema alone cannot check: whether the parts of a configuration fit together. */
const findProblems = (config: MillConfig): ReadonlyArray<ValueProblem> => {
  const { defaultDriver, defaultExecutor, drivers = {}, executors = {}, extensions = [] } = config
  const driverNames = [...new Set([...builtInDrivers, ...Object.keys(drivers)])]
  const executorNames = [...new Set([...builtInExecutors, ...Object.keys(executors)])]
  return [
    ...Object.entries(drivers).flatMap(([name, { codec }]) => {
      const key = `drivers.${name}.codec`
      return codec.problem === undefined ? [] : [{ key, message: `${key}: ${codec.problem}` }]
    }),
    ...findExtensionProblems(extensions),
    ...findDefaultProblems("defaultDriver", "driver", defaultDriver, driverNames),
    ...findDefaultProblems("defaultExecutor", "executor", defaultExecutor, executorNames),
  ]
}

/** Decodes a configuration; messages call the value `whole`. */
export const decodeConfig = (
  value: unknown,
  whole = "the default export",
): Result.Result<MillConfig, ValueProblem> =>
  decodeUntrusted(Plain, { whole })(value).pipe(
    Result.flatMap(decodeUntrusted(MillConfig, { whole, isSecret })),
    Result.flatMap((config) => {
      const [problem] = findProblems(config)
      return problem === undefined ? Result.succeed(config) : Result.fail(problem)
    }),
  )
