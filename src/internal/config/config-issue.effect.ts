/** What is wrong with a configuration, in one line: which key, what was found, what is allowed. */
import { Result, Schema } from "effect"
import {
  Authoring,
  builtInDrivers,
  builtInExecutors,
  DirectExecutorConfig,
  MillConfig,
  ProcessDriverConfig,
  VmExecutorConfig,
} from "../../domain/config.schema.ts"
import { ApiKey, HttpDriverConfig } from "../../domain/http-config.schema.ts"
import { ExtensionConfig, FunctionDoc, FunctionName } from "../../domain/extension.schema.ts"
import {
  closest,
  expectation,
  firstLeaf,
  inputProblem,
  keyOf,
  type Place,
  suggestion,
  valueAt,
  type ValueProblem,
} from "../../domain/value-problem.schema.ts"

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

const placeOf = (path: Place): string =>
  path.map((key, depth) => (depth % 2 === 0 ? String(key) : "*")).join(".")

const allowedAt = (value: unknown, path: Place): ReadonlyArray<string> => {
  const place = placeOf(path)
  const type = valueAt(value, [...path, "type"])
  return Object.keys(allowed[`${place}:${String(type)}`] ?? allowed[place] ?? {})
}

/** Where somebody may have put a key, or what else nobody else should read: what stands there is not repeated. */
const isSecret = (path: Place): boolean =>
  ["drivers.*.apiKey", "drivers.*.env", "drivers.*.headers", "drivers.*.url", "executors.*.setEnv"].includes(
    placeOf(path.slice(0, 3)),
  )

const decodeFunctionName = Schema.decodeUnknownResult(FunctionName)

const badName = (holder: Place, name: string): string | undefined => {
  switch (placeOf(holder)) {
    case "drivers.*.headers":
      return "is no name of a header"
    case "executors.*.setEnv":
      return "is no name of a variable"
    case "extensions.*.api":
      return Result.match(decodeFunctionName(name), {
        onFailure: ({ issue }) => `is no name of a function; ${expectation(firstLeaf(issue)[0])}`,
        onSuccess: () => undefined,
      })
    default:
      return undefined
  }
}

const decode = Schema.decodeUnknownResult(MillConfig, { onExcessProperty: "error" })

/** The first problem of a value that did not decode as a configuration. */
const decodingProblem = (value: unknown, error: Schema.SchemaError, whole: string): ValueProblem => {
  const [issue, path] = firstLeaf(error.issue)
  if (issue._tag === "AnyOf" && path.length === 2 && path[0] === "drivers") {
    const key = keyOf(path)
    return { key: `${key}.type`, message: `${key} is no driver: make it with processDriver or httpDriver` }
  }
  return inputProblem(whole, (place) => allowedAt(value, place), value, error, { badName, isSecret })
}

/** A name that stands for nothing; `what` is a driver or an executor. */
export const noSuch = (what: string, name: string, known: ReadonlyArray<string>) => {
  const close = closest(name, known)
  return {
    message: `there is no ${what} ${JSON.stringify(name)}; there are ${known.join(", ")}`,
    ...(close === undefined ? {} : { hint: `did you mean ${close}?` }),
  }
}

/** A default that names nothing. */
const defaultProblem = (
  key: "defaultDriver" | "defaultExecutor",
  what: string,
  name: string | undefined,
  known: ReadonlyArray<string>,
): ReadonlyArray<ValueProblem> => {
  if (name === undefined || known.includes(name)) return []
  const { message, ...rest } = noSuch(what, name, known)
  return [{ key, message: `${key}: ${message}`, ...rest }]
}

const extensionProblems = (extensions: ReadonlyArray<ExtensionConfig>): ReadonlyArray<ValueProblem> =>
  extensions.flatMap(({ api = {}, docs = {}, name }, index) => {
    const first = extensions.findIndex((other) => other.name === name)
    if (first < index) {
      const key = `extensions.${index}.name`
      return [{ key, message: `${key} is ${JSON.stringify(name)}, as extensions.${first} is called already` }]
    }
    const functions = Object.keys(api)
    return Object.keys(docs).flatMap((documented) => {
      const key = `extensions.${index}.docs.${documented}`
      return functions.includes(documented)
        ? []
        : [
            {
              key,
              message: `${key} tells of a function that api does not have`,
              hint: suggestion(documented, functions, "api has"),
            },
          ]
    })
  })

/** What its schema alone cannot say of a configuration: how its parts fit together. */
const problemsOf = (config: MillConfig): ReadonlyArray<ValueProblem> => {
  const { drivers = {}, executors = {}, extensions = [] } = config
  const known = (builtIn: ReadonlyArray<string>, own: object) => [
    ...new Set([...builtIn, ...Object.keys(own)]),
  ]
  return [
    ...Object.entries(drivers).flatMap(([name, { codec }]) => {
      const key = `drivers.${name}.codec`
      return codec.problem === undefined ? [] : [{ key, message: `${key}: ${codec.problem}` }]
    }),
    ...extensionProblems(extensions),
    ...defaultProblem("defaultDriver", "driver", config.defaultDriver, known(builtInDrivers, drivers)),
    ...defaultProblem(
      "defaultExecutor",
      "executor",
      config.defaultExecutor,
      known(builtInExecutors, executors),
    ),
  ]
}

/** The configuration that a value is, or what is wrong with it; `whole` is what to call the value. */
export const decodeConfig = (
  value: unknown,
  whole = "the default export",
): Result.Result<MillConfig, ValueProblem> =>
  decode(value).pipe(
    Result.mapError((error) => decodingProblem(value, error, whole)),
    Result.flatMap((config) => {
      const [problem] = problemsOf(config)
      return problem === undefined ? Result.succeed(config) : Result.fail(problem)
    }),
  )
