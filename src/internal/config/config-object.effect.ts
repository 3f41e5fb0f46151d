/**
 * Renders a configuration object as the source of a configuration file, because a run's worker evaluates the sources that its
 * plan has frozen. Built-in codecs become calls of their factories, everything else JSON. Values that may be secrets are left
 * out of the source, and are passed to the worker on its standard input.
 *
 * No other process can call functions and custom codecs. If a configuration contains any, its runs stay in this process. The
 * source then only documents them, and throws an error when it is evaluated.
 */
import { Context, Effect, Path, Result } from "effect"
import type { MillConfig } from "../../domain/config.schema.ts"
import { type Codec, findFactory } from "../../domain/driver.schema.ts"
import { ConfigError } from "../../domain/error.schema.ts"
import { isPlainObject } from "../../domain/untrusted.ts"
import { sha256 } from "../sources/digest.effect.ts"
import type { GraphFile } from "../sources/source-compiler.effect.ts"
import type { ConfigValue } from "./settings.effect.ts"

/** The configuration that was passed to this process, which then looks for none. */
export type Given =
  | { readonly _tag: "File"; readonly path: string }
  | {
      readonly _tag: "Object"
      readonly config: MillConfig
      readonly source: GraphFile
      readonly values: ReadonlyArray<ConfigValue>
      /** Whether the configuration has values that only this process can reach. */
      readonly isLocal: boolean
    }

export const GivenConfig = Context.Reference<Given | undefined>("mill/internal/GivenConfig", {
  defaultValue: () => undefined,
})

/** A value that cannot be rendered, and its place. */
type Refusal = { readonly path: ReadonlyArray<string>; readonly what: string }

/** Records of a driver or an executor that may hold secrets. */
const secretRecords = new Set(["env", "headers", "setEnv"])
const isSecret = (path: ReadonlyArray<string>): boolean =>
  path.length === 4 && secretRecords.has(path[2] ?? "")

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null

/** What a source leaves out: values that may be secrets, and the texts of functions. */
type LeftOut = { readonly values: Array<ConfigValue>; readonly functions: Array<string> }

const isCodec = (value: object): value is Pick<Codec, "options"> =>
  "encodeSpawn" in value || "encodeRequest" in value

const renderCall = (factory: string, options: unknown): string => {
  const text = JSON.stringify(options)
  return `core.${factory}(${text === "{}" ? "" : text})`
}

type Rendered = Result.Result<string, Refusal>

/** The texts of the functions of a codec. Only its own decoders are functions inside other objects. */
const listFunctions = (value: unknown, depth = 0): ReadonlyArray<string> => {
  if (typeof value === "function") return [String(value)]
  if (!isObject(value) || depth > 2) return []
  return Object.values(value).flatMap((one) => listFunctions(one, depth + 1))
}

/** An expression for a value; what it leaves out is added to `left`. */
const render = (value: unknown, path: ReadonlyArray<string>, left: LeftOut): Rendered => {
  const refuse = (what: string) => Result.fail({ path, what })
  if (typeof value === "string" && isSecret(path)) {
    left.values.push({ path, value })
    return Result.succeed(`""`)
  }
  if (typeof value === "function") {
    left.functions.push(String(value))
    return Result.succeed(`"a function"`)
  }
  if (!isObject(value)) {
    const text = JSON.stringify(value)
    return text === undefined ? refuse(`a ${typeof value}`) : Result.succeed(text)
  }
  if (isCodec(value)) {
    const factory = findFactory(value)
    if (factory !== undefined) return Result.succeed(renderCall(factory, value.options))
    left.functions.push(...listFunctions(value))
    return Result.succeed(`"a custom codec"`)
  }
  if (Array.isArray(value)) {
    return Result.map(
      Result.all(value.map((one: unknown, index) => render(one, [...path, String(index)], left))),
      (items) => `[${items.join(", ")}]`,
    )
  }
  if (!isPlainObject(value)) return refuse("a class instance")
  const entries = Object.entries(value).filter(([, one]) => one !== undefined)
  return Result.map(
    Result.all(
      entries.map(([key, one]) =>
        // A computed key: the plain key `__proto__` would set the prototype.
        Result.map(render(one, [...path, key], left), (text) => `[${JSON.stringify(key)}]: ${text}`),
      ),
    ),
    (items) => `{ ${items.join(", ")} }`,
  )
}

/** The statement that makes a source fail in any process that cannot call the functions it leaves out. */
const refusal = `throw new Error("this configuration contains functions that only the process that submitted the run can call")`

export const renderSource = Effect.fnUntraced(function* (config: MillConfig, cwd: string) {
  const left: LeftOut = { values: [], functions: [] }
  const rendered = render(config, [], left)
  if (Result.isFailure(rendered)) {
    const { path, what } = rendered.failure
    const key = path.join(".")
    return yield* new ConfigError({
      key,
      message: `config: ${key} is ${what}, which cannot be passed to a run's process`,
      hint: `put the configuration in a file and pass the path of the file, for example config: "./mill.config.ts"`,
    })
  }
  const { functions, values } = left
  const isLocal = functions.length > 0
  // The texts themselves may hold secrets.
  const note = isLocal ? `// functions: ${yield* sha256(JSON.stringify(functions))}\n${refusal}\n` : ""
  const contents = `import * as core from "@mill/core"\n\n${note}export default ${rendered.success}\n`
  const name = `.mill-config-${(yield* sha256(contents)).slice(0, 12)}.ts`
  const path = (yield* Path.Path).join(cwd, name)
  const source: GraphFile = {
    path,
    contents,
    imports: {},
    packages: ["@mill/core"],
    generated: true,
    local: isLocal || undefined,
  }
  return { source, values, isLocal }
})

/** Puts the values that a source leaves out back into its value. */
export const restoreValues = (value: unknown, values: ReadonlyArray<ConfigValue>): unknown => {
  if (values.length === 0 || !isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => {
      const inside = values.flatMap(({ path: [first, ...path], value }) =>
        first === key ? [{ path, value }] : [],
      )
      const own = inside.find(({ path }) => path.length === 0)
      return [key, own === undefined ? restoreValues(one, inside) : own.value]
    }),
  )
}
