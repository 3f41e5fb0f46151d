/** A program with a top-level `return` keeps its meaning, lines and columns when it is wrapped. */
import { afterAll, describe, expect, test } from "bun:test"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { Effect, Layer, ManagedRuntime } from "effect"
import { SourceCompiler } from "../../../src/internal/sources/source-compiler.effect.ts"
import { layer as compilerLayer } from "../../../src/runtime/platform/source-compiler.effect.ts"
import { layer as platformLayer } from "../../../src/runtime/platform/platform.effect.ts"

const folder = mkdtempSync(join(tmpdir(), "mill-test-"))
const runtime = ManagedRuntime.make(Layer.provide(compilerLayer, platformLayer))
afterAll(async () => {
  await runtime.dispose()
  rmSync(folder, { recursive: true, force: true })
})
const write = (path: string, text: string) => {
  const file = join(folder, path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
  return file
}
write("lib/data.json", `{ "answer": 42 }`)
write("lib/helper.ts", `export const helper = "helps"\nexport default "default"\nexport type Kind = string\n`)

/** The path of the program, and its wrapped form, if any. */
const compile = async (path: string, source: string) => {
  const file = write(path, source)
  const [entry] = await runtime.runPromise(
    Effect.flatMap(SourceCompiler, ({ graph }) => graph(file, { provided: [], asProgram: true })),
  )
  return { file, wrapped: entry?.wrapped }
}

const returning: Readonly<Record<string, readonly [source: string, result: unknown, extension?: string]>> = {
  "with imports of every kind": [
    `import fallback, { helper, type Kind } from "./lib/helper.ts"
import * as all from "./lib/helper.ts"
import data from "./lib/data.json" with { type: "json" }
import type { Kind as Other } from "./lib/helper.ts"
import "./lib/helper.ts"; const inline = 1
const kind: Kind & Other = helper
return { kind, fallback, all: all.helper, answer: data.answer, inline }`,
    { kind: "helps", fallback: "default", all: "helps", answer: 42, inline: 1 },
  ],
  "with exports of every kind": [
    `export const { a, ...rest } = { a: 1, b: 2 }; export let later: number | undefined
export function twice(n: number) { return n * 2 }
export async function* count() { yield 1 }
export class Box { value = 3 }
export abstract class Shape { abstract side: number }
export enum Colour { Red = "red" }
export type Name = string
export interface Sided { readonly side: number }
declare global { var unheardOf: number }
const hidden = 4
export { hidden, hidden as renamed }
export * from "./lib/helper.ts"
export { helper as again } from "./lib/helper.ts"
later = twice(a)
return { a, rest, later, box: new Box().value, red: Colour.Red, hidden }`,
    { a: 1, rest: { b: 2 }, later: 2, box: 3, red: "red", hidden: 4 },
  ],
  "inside if, loop, switch and a labelled block": [
    `outer: { for (const n of [1, 2, 3]) { switch (n) { case 2: if (n > 1) return { n }; break outer } } }
return "not reached"`,
    { n: 2 },
  ],
  "inside try, with a finally that runs": [
    `const seen: string[] = []
try { seen.push("try"); return seen } catch { return "caught" } finally { seen.push("finally") }`,
    ["try", "finally"],
  ],
  "with await and for await at the top level": [
    `async function* numbers() { yield 1; yield 2 }
let sum = await Promise.resolve(10)
for await (const n of numbers()) sum += n
if (sum === 13) return await Promise.resolve({ sum })
return null`,
    { sum: 13 },
  ],
  "of a promise": [`return new Promise((resolve) => setTimeout(() => resolve("late"), 1))`, "late"],
  "of nothing": [`return\nthrow new Error("not reached")`, undefined],
  "of null, on the first line": [`return null // the end`, null],
  "behind a shebang": [`#!/usr/bin/env bun\nreturn "ran"`, "ran"],
  "behind a byte order mark": [`\ufeffreturn "ran"`, "ran"],
  "with other line ends": [
    `import { helper } from "./lib/helper.ts"\r\nconst a = 1\r\nreturn [a, helper]\r\n`,
    [1, "helps"],
  ],
  "behind a directive, hoisting what is declared later": [
    `"use strict"\nreturn late(value)\nfunction late(x: unknown) { return typeof x }\nvar value`,
    "undefined",
  ],
  "in TSX": [`const first = <T,>(list: T[]) => list[0]\nreturn first(["x"])`, "x", "tsx"],
  "in JavaScript": [`const a = 1\nreturn { a }`, { a: 1 }, "js"],
}

describe("a top-level return", () => {
  test.each(Object.entries(returning))("%s", async (name, [source, expected, extension = "ts"]) => {
    const path = name.replace(/\W+/g, "-")
    const { wrapped } = await compile(`${path}.${extension}`, source)
    if (wrapped === undefined) throw new Error("the return has not been seen")
    const loaded = await import(write(`${path}.loaded.${extension}`, wrapped.contents))
    expect(loaded.default).toEqual(expected)
    expect(wrapped.contents.split("\n").length).toBeGreaterThan(source.split("\n").length)
  })
  test("in a nested function leaves the program as it is", async () => {
    const none =
      "// return 1\nconst text = `\nreturn ${[1].map((n) => { return n })}`\nexport default text.trim()"
    expect((await compile("none.ts", none)).wrapped).toBeUndefined()
  })
})

/** The line and column from which a module throws. */
const locateError = async (file: string): Promise<readonly [line: number, column: number]> => {
  const error: unknown = await import(file).catch((thrown: unknown) => thrown)
  const stack = error instanceof Error ? (error.stack ?? "") : String(error)
  const frame = stack.split("\n").find((line) => line.includes(file))
  const [, line, column] = /:(\d+):(\d+)\)?$/.exec(frame ?? "") ?? []
  return [Number(line), Number(column)]
}

describe("an error has the same location as without the return", () => {
  const places: Readonly<Record<string, string>> = {
    "on the first line": `const a: number = 1; if (a === 1) throw new Error("here")`,
    "at the very start": `throw new Error("here")`,
    "after many spaces": `${" ".repeat(80)}throw new Error("here")`,
    "on the first line, after an import": `import { helper } from "./lib/helper.ts"; throw new Error("here" + helper)`,
    "after imports and exports": `import { helper } from "./lib/helper.ts"\nexport const a = 1\n\n  export const b = fail()\nfunction fail(): never {\n  throw new Error("here" + helper)\n}`,
    "on a line with tabs and wide characters": `const a = 1\n\tconst wide = "👩‍💻漢"; throw new Error("here" + wide + a)`,
    "in an async function": `const fail = async () => {\n  await 0\n  throw new Error("here")\n}\nawait fail()`,
    "below a shebang": `#!/usr/bin/env bun\n  throw new Error("here")`,
  }
  test.each(Object.entries(places))("%s", async (name, source) => {
    const path = name.replace(/\W+/g, "-")
    const { file, wrapped } = await compile(`${path}.ts`, `${source}\nreturn 1`)
    const plain = write(`${path}.plain.ts`, `${source}\nexport {}`)
    const loaded = write(`${path}.loaded.ts`, wrapped?.contents ?? "")
    const [line, column] = await locateError(loaded)
    const expected = await locateError(plain)
    expect([line, line === 1 ? column - (wrapped?.columnShift ?? 0) : column]).toEqual([...expected])
    expect(source.slice(0, source.indexOf("throw new")).split("\n")).toHaveLength(line)
    expect(file).toEndWith(`${path}.ts`)
  })
})
