/**
 * Renders a configuration object as the source of a configuration file, because a run's worker evaluates the sources that its
 * plan has frozen. Built-in codecs become calls of their factories, everything else JSON. Values that may be secrets are left
 * out of the source, and are passed to the worker on its standard input.
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

const isCodec = (value: object): value is Pick<Codec, "options"> =>
  "encodeSpawn" in value || "encodeRequest" in value

const renderCall = (factory: string, options: unknown): string => {
  const text = JSON.stringify(options)
  return `core.${factory}(${text === "{}" ? "" : text})`
}

type Rendered = Result.Result<string, Refusal>

/** An expression for a value; values that it leaves out are added to `left`. */
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
      ? refuse("a custom codec")
      : Result.succeed(renderCall(factory, value.options))
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

export const renderSource = Effect.fnUntraced(function* (config: MillConfig, cwd: string) {
  const values: Array<ConfigValue> = []
  const rendered = render(config, [], values)
  if (Result.isFailure(rendered)) {
    const { path, what } = rendered.failure
    const key = path.join(".")
    return yield* new ConfigError({
      key,
      message: `config: ${key} is ${what}, which cannot be passed to a run's process`,
      hint: `put the configuration in a file and pass the path of the file, for example config: "./mill.config.ts"`,
    })
  }
  const contents = `import * as core from "@mill/core"\n\nexport default ${rendered.success}\n`
  const name = `.mill-config-${(yield* sha256(contents)).slice(0, 12)}.ts`
  const path = (yield* Path.Path).join(cwd, name)
  const source: GraphFile = { path, contents, imports: {}, packages: ["@mill/core"], generated: true }
  return { source, values }
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
