/**
 * A configuration that a script gives as an object. A run's worker evaluates the sources that its plan has frozen, so
 * the object is written as one: built-in codecs as calls of what made them, everything else as JSON. Values that may be
 * secrets are left out of that text, and handed to the worker on its standard input.
 */
import { Context, Effect, Path, Result } from "effect"
import type { MillConfig } from "../../domain/config.schema.ts"
import { type Codec, findFactory } from "../../domain/driver.schema.ts"
import { ConfigError } from "../../domain/error.schema.ts"
import { isPlainObject } from "../../domain/untrusted.ts"
import { sha256 } from "../sources/digest.effect.ts"
import type { GraphFile } from "../sources/source-compiler.effect.ts"
import type { ConfigValue } from "./settings.effect.ts"

/** What this process was given instead of looking for a configuration. */
export type Given =
  | { readonly _tag: "File"; readonly path: string }
  | {
      readonly _tag: "Object"
      readonly config: MillConfig
      readonly source: GraphFile
      readonly values: ReadonlyArray<ConfigValue>
    }

export const GivenConfig = Context.Reference<Given | undefined>("mill/internal/GivenConfig", {
  defaultValue: () => undefined,
})

/** What is wrong, and at which key. */
type Refusal = { readonly path: ReadonlyArray<string>; readonly what: string }

/** Where values may be secrets: in these records of a driver or an executor. */
const secretRecords = new Set(["env", "headers", "setEnv"])
const isSecret = (path: ReadonlyArray<string>): boolean =>
  path.length === 4 && secretRecords.has(path[2] ?? "")

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null

const isCodec = (value: object): value is Pick<Codec, "options"> =>
  "encodeSpawn" in value || "encodeRequest" in value

const call = (factory: string, options: unknown): string => {
  const text = JSON.stringify(options)
  return `core.${factory}(${text === "{}" ? "" : text})`
}

type Rendered = Result.Result<string, Refusal>

/** An expression for a value; `left` takes the values that it leaves out. */
const render = (value: unknown, path: ReadonlyArray<string>, left: Array<ConfigValue>): Rendered => {
  const refuse = (what: string) => Result.fail({ path, what })
  if (typeof value === "string" && isSecret(path)) {
    left.push({ path, value })
    return Result.succeed(`""`)
  }
  if (!isObject(value)) {
    const text = typeof value === "function" ? undefined : JSON.stringify(value)
    return text === undefined ? refuse(`a ${typeof value}`) : Result.succeed(text)
  }
  if (isCodec(value)) {
    const factory = findFactory(value)
    return factory === undefined
      ? refuse("a codec of your own")
      : Result.succeed(call(factory, value.options))
  }
  if (Array.isArray(value)) {
    return Result.map(
      Result.all(value.map((one: unknown, index) => render(one, [...path, String(index)], left))),
      (items) => `[${items.join(", ")}]`,
    )
  }
  if (!isPlainObject(value)) return refuse("an object of a class")
  const entries = Object.entries(value).filter(([, one]) => one !== undefined)
  return Result.map(
    Result.all(
      entries.map(([key, one]) =>
        // The only spelling in which any name is a key like the others.
        Result.map(render(one, [...path, key], left), (text) => `[${JSON.stringify(key)}]: ${text}`),
      ),
    ),
    (items) => `{ ${items.join(", ")} }`,
  )
}

/** What takes the place of the file of a configuration that was given as an object, in the folder `cwd`. */
export const sourceOfObject = Effect.fnUntraced(function* (config: MillConfig, cwd: string) {
  const values: Array<ConfigValue> = []
  const rendered = render(config, [], values)
  if (Result.isFailure(rendered)) {
    const { path, what } = rendered.failure
    const key = path.join(".")
    return yield* new ConfigError({
      key,
      message: `config: ${key} is ${what}, which a run's own process cannot be given`,
      hint: `put it into a file, and name that file: config: "./mill.config.ts"`,
    })
  }
  const contents = `import * as core from "@mill/core"\n\nexport default ${rendered.success}\n`
  const name = `.mill-config-${(yield* sha256(contents)).slice(0, 12)}.ts`
  const path = (yield* Path.Path).join(cwd, name)
  const source: GraphFile = { path, contents, imports: {}, packages: ["@mill/core"], generated: true }
  return { source, values }
})

/** The value of a generated text with what that leaves out. */
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
