/**
 * Decodes values from code that may not have been type-checked, and describes a problem in one line: the key, the value
 * that was found and the value that was expected.
 */
import { Result, Schema, type SchemaAST, type SchemaIssue } from "effect"
import { suggest } from "./suggestion.ts"

/** What is wrong with a value; without a `key` it is the value as a whole. */
export const ValueProblem = Schema.Struct({
  key: Schema.optional(Schema.String),
  message: Schema.String,
  hint: Schema.optional(Schema.String),
})
export type ValueProblem = typeof ValueProblem.Type

/** Where in a value: the keys that lead there. */
export type Place = ReadonlyArray<PropertyKey>

export type UntrustedOptions = {
  /** What messages call the value as a whole. */
  readonly whole: string
  /** Whether there may be a secret at a place: messages do not repeat it. */
  readonly isSecret?: ((place: Place) => boolean) | undefined
  /** Unknown keys are an error by default. */
  readonly unknownKeys?: "error" | "ignore" | undefined
}

/** Makes a decoder of untrusted values that reports every problem. */
export const decodeAllUntrusted = <A>(
  schema: Schema.ConstraintDecoder<A>,
  { isSecret = () => false, unknownKeys = "error", whole }: UntrustedOptions,
) => {
  const decode = Schema.decodeUnknownResult(schema, { onExcessProperty: unknownKeys, errors: "all" })
  return (value: unknown): Result.Result<A, ReadonlyArray<ValueProblem>> =>
    tryToRead(whole, () =>
      Result.mapError(decode(value), ({ issue }) =>
        listIssues(issue).map((one) => findProblem(value, findLeaf(one), whole, isSecret)),
      ),
    ).pipe(
      Result.mapError((unreadable) => [unreadable]),
      Result.flatMap((result) => result),
    )
}

/** Makes a decoder of untrusted values that reports the first problem. */
export const decodeUntrusted = <A>(
  schema: Schema.ConstraintDecoder<A>,
  { isSecret = () => false, unknownKeys = "error", whole }: UntrustedOptions,
) => {
  const decode = Schema.decodeUnknownResult(schema, { onExcessProperty: unknownKeys })
  return (value: unknown): Result.Result<A, ValueProblem> =>
    tryToRead(whole, () =>
      Result.mapError(decode(value), ({ issue }) => findProblem(value, findLeaf(issue), whole, isSecret)),
    ).pipe(Result.flatMap((result) => result))
}

/** Reads a value without throwing, though the value's getters may. */
const tryToRead = <A>(whole: string, read: () => A): Result.Result<A, ValueProblem> =>
  Result.try({
    try: read,
    catch: () => ({ message: `${whole} cannot be read: accessing its properties throws an error` }),
  })

/** The issues of the keys of an object, or the issue of any other value. */
const listIssues = (issue: SchemaIssue.Issue): ReadonlyArray<SchemaIssue.Issue> =>
  issue._tag === "Composite" ? issue.issues : [issue]

/** A problem and its hint as one sentence. */
export const formatProblem = ({ hint, message }: ValueProblem): string =>
  hint === undefined ? message : `${message}; ${hint}`

/** A place in dotted form: `drivers.a.codec`. */
export const formatPlace = (place: Place): string => place.map(String).join(".")

/** Whether an object is not an instance of a class, such as a Map. */
export const isPlainObject = (value: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

/** What kind of object a value is. A proxy may throw when it is asked. */
const describeObject = (value: object): string =>
  Result.getOrElse(
    Result.try(() => {
      if (Array.isArray(value)) return "an array"
      return "then" in value ? "a promise" : isPlainObject(value) ? "an object" : "a class instance"
    }),
    () => "an object",
  )

/** A value in a few words. Never throws. */
export const describeValue = (value: unknown): string => {
  if (typeof value === "function") return "a function"
  if (typeof value === "object" && value !== null) return describeObject(value)
  return typeof value === "string" ? JSON.stringify(value.slice(0, 60)) : String(value)
}

/** The first issue without issues of its own, its place, and the schema and the check that it violates. */
type Leaf = readonly [
  issue: SchemaIssue.Issue,
  place: Place,
  ast?: SchemaAST.AST | undefined,
  check?: SchemaIssue.Filter["filter"] | undefined,
]

const findLeaf = (
  issue: SchemaIssue.Issue,
  place: Place = [],
  ast?: SchemaAST.AST,
  check?: SchemaIssue.Filter["filter"],
): Leaf => {
  switch (issue._tag) {
    case "Pointer":
      return findLeaf(issue.issue, [...place, ...issue.path])
    case "Composite":
      return findLeaf(issue.issues[0], place, issue.ast)
    // The issues of a union are those of the members that the value was meant for.
    case "AnyOf":
      return issue.issues.length === 1 && issue.issues[0] !== undefined
        ? findLeaf(issue.issues[0], place, issue.ast)
        : [issue, place, issue.ast]
    case "Filter":
      return findLeaf(issue.issue, place, ast, issue.filter)
    case "Encoding":
      return findLeaf(issue.issue, place, ast, check)
    case "InvalidType":
    case "UnexpectedKey":
      return [issue, place, issue.ast]
    default:
      return [issue, place, ast, check]
  }
}

const findProblem = (
  value: unknown,
  leaf: Leaf,
  whole: string,
  isSecret: (place: Place) => boolean,
): ValueProblem => {
  const [issue, place, ast] = leaf
  if (issue._tag === "UnexpectedKey") return findKeyProblem(place, ast)
  const key = place.length === 0 ? undefined : formatPlace(place)
  const name = key ?? whole
  if (issue._tag === "MissingKey") return { key, message: `${name} is missing` }
  const expected = formatExpectation(leaf)
  return {
    key,
    message: isSecret(place)
      ? `${name} is invalid; ${expected}`
      : `${name} is ${describeValue(readPlace(value, place))}; ${expected}`,
  }
}

const readPlace = (value: unknown, place: Place): unknown =>
  place.reduce<unknown>(
    (at, key) => (typeof at === "object" && at !== null ? Reflect.get(at, key) : undefined),
    value,
  )

/** What is wrong with a key that is not in a schema. A record takes any key that its schema for keys accepts. */
const findKeyProblem = (place: Place, ast: SchemaAST.AST | undefined): ValueProblem => {
  const key = formatPlace(place)
  const name = String(place.at(-1))
  const fields = ast?._tag === "Objects" ? ast.propertySignatures.map((field) => String(field.name)) : []
  const names = ast?._tag === "Objects" ? ast.indexSignatures[0]?.parameter : undefined
  if (names === undefined) {
    return { key, message: `unknown key ${key}`, hint: suggest(name, fields, "allowed keys") }
  }
  const expected = Result.match(
    Schema.decodeUnknownResult(Schema.make<Schema.ConstraintDecoder<unknown>>(names))(name),
    {
      onFailure: ({ issue }) => formatExpectation(findLeaf(issue)),
      onSuccess: () => `expected ${describeType(names)}`,
    },
  )
  return { key: formatPlace(place.slice(0, -1)), message: `${key} has an invalid name; ${expected}` }
}

const formatExpectation = ([issue, , ast, check]: Leaf): string => {
  const annotations = issue._tag === "InvalidValue" ? issue.annotations : undefined
  if (typeof annotations?.["message"] === "string") return annotations["message"]
  const expected = check?.annotations?.expected
  if (expected !== undefined && !expected.startsWith(anyValue)) return `expected ${expected}`
  return ast === undefined ? "expected a different value" : `expected ${describeType(ast)}`
}

/** The start of the `expected` text of Effect's own checks that apply to several types. */
const anyValue = "a value "

/** The values that a schema takes, in words: `an integer greater than 0`. */
const describeType = (ast: SchemaAST.AST): string =>
  (ast.checks ?? []).reduce((noun, { annotations }) => {
    const expected = annotations?.expected
    if (expected === undefined || expected === "a finite number") return noun
    if (expected === "a value with a length of at least 1") return noun.replace(/^an? /, "a non-empty ")
    return expected.startsWith(anyValue) ? `${noun} ${expected.slice(anyValue.length)}` : expected
  }, describeBase(ast))

const describeBase = (ast: SchemaAST.AST): string => {
  const expected = ast.annotations?.["expected"]
  if (typeof expected === "string") return expected
  switch (ast._tag) {
    case "String":
      return "a string"
    case "Number":
      return "a number"
    case "Boolean":
      return "a boolean"
    case "Objects":
      return "an object"
    case "Arrays":
      return "an array"
    case "Literal":
      return JSON.stringify(ast.literal)
    case "Null":
      return "null"
    case "Union":
      return formatChoice(ast.types.filter(({ _tag }) => _tag !== "Undefined").map(describeType))
    default:
      return "a different value"
  }
}

const formatChoice = (choices: ReadonlyArray<string>): string =>
  choices.length < 2 ? choices.join() : `${choices.slice(0, -1).join(", ")} or ${choices.at(-1)}`
