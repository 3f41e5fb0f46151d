/** Programs that give their result by a top-level `return`: the same lines, columns, imports and semantics as without. */
import { describe, expect, test } from "bun:test"
import { entriesOf, makeWorld } from "../support/mill.ts"

const world = makeWorld()
const offline = ["--driver", "offline"]
world.write("lib/data.json", `{ "answer": 42 }`)
world.write(
  "lib/helper.ts",
  `export const helper = "helps"\nexport default "default"\nexport type Kind = string\n`,
)

const returning: Readonly<Record<string, readonly [source: string, result: unknown, file?: string]>> = {
  "with imports of every kind": [
    `import fallback, { helper, type Kind } from "./lib/helper.ts"
import * as all from "./lib/helper.ts"
import data from "./lib/data.json" with { type: "json" }
import type { Kind as Other } from "./lib/helper.ts"
import "./lib/helper.ts"; const inline = 1
const kind: Kind & Other = helper
return { kind, fallback, all: all.helper, answer: data.answer, inline, here: import.meta.path.endsWith(".ts"), main: import.meta.main }`,
    { kind: "helps", fallback: "default", all: "helps", answer: 42, inline: 1, here: true, main: true },
  ],
  "with exports of every kind": [
    `export const { a, ...rest } = { a: 1, b: 2 }; export let later: number | undefined
export function twice(n: number) { return n * 2 }
export async function* count() { yield 1 }
export class Box { value = 3 }
export enum Colour { Red = "red" }
export type Name = string
export interface Shape { readonly side: number }
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
  "of a spawn": [
    `return mill.spawn({ agent: "a", systemPrompt: "s", prompt: "p", model: "m" }).then(({ driver }) => driver)`,
    "offline",
  ],
  "of nothing": [`if (mill.args.length === 0) return\nthrow new Error("not reached")`, undefined],
  "of null, on the first line": [`return null // the end`, null],
  "behind a shebang": [`#!/usr/bin/env bun\nreturn "ran"`, "ran"],
  "behind a byte order mark": [`\ufeffreturn "ran"`, "ran"],
  "behind a directive, hoisting what is declared later": [
    `"use strict"\nreturn late(value)\nfunction late(x: unknown) { return typeof x }\nvar value`,
    "undefined",
  ],
  "in TSX": [`const first = <T,>(list: T[]) => list[0]\nreturn first(["x"])`, "x", "returning/generic.tsx"],
  "in JavaScript": [`const a = 1\nreturn { a }`, { a: 1 }, "returning/plain.js"],
  "in a string or a function only, beside a default export": [
    "// return 1\nconst text = `\nreturn ${[1].map((n) => { return n })}`\nexport default text.trim()",
    "return 1",
  ],
}

describe("a top-level return", () => {
  test.concurrent.each(Object.entries(returning))(
    "%s",
    async (name, [source, expected, path]) => {
      const file = path ?? `${name.replace(/\W+/g, "-")}.ts`
      world.write(file, source)
      const { code, events, result } = await world.run(file, offline)
      expect({ error: result.errorMessage, value: result.programResult }).toEqual({
        error: undefined,
        value: expected as typeof result.programResult & {},
      })
      expect(events.at(-1)?.type).toBe("run:complete")
      expect(code).toBe(0)
    },
    30_000,
  )
})

describe("an error in a program that returns has the place that it has without the return", () => {
  const places: Readonly<Record<string, string>> = {
    "on the first line": `const a: number = 1; if (a === 1) throw new Error("here")`,
    "at the very start": `throw new Error("here")`,
    "behind much space": `${" ".repeat(80)}throw new Error("here")`,
    "on the first line, behind an import": `import { helper } from "./lib/helper.ts"; throw new Error("here" + helper)`,
    "behind imports and exports": `import { helper } from "./lib/helper.ts"\nexport const a = 1\n\n  export const b = fail()\nfunction fail(): never {\n  throw new Error("here" + helper)\n}`,
    "on a line with tabs and wide characters": `const a = 1\n\tconst wide = "👩‍💻漢"; throw new Error("here" + wide + a)`,
    "in an async function": `const fail = async () => {\n  await 0\n  throw new Error("here")\n}\nawait fail()`,
  }
  test.concurrent.each(Object.entries(places))(
    "%s",
    async (name, source) => {
      const file = name.replace(/\W+/g, "-")
      const plain = world.write(`${file}-plain.ts`, `${source}\nexport {}`)
      const program = world.write(`${file}.ts`, `${source}\nreturn 1`)
      const bun = Bun.spawnSync([process.execPath, plain], { stderr: "pipe", env: { NO_COLOR: "1" } })
      const [, place = ""] = bun.stderr.toString().match(/\bat .*?-plain\.ts:(\d+:\d+)\)?$/m) ?? []
      expect(place).toStartWith(`${source.slice(0, source.indexOf("throw new")).split("\n").length}:`)
      const returns = await world.run(`${file}.ts`, offline)
      expect(returns.result.errorLocation).toBe(`${program}:${place}`)
      expect(returns.code).toBe(1)
    },
    30_000,
  )
})

test("a program that has both a default export and a top-level return is refused", async () => {
  const program = world.write("both.ts", `const a = 1\nif (a > 1) return a\nexport default a\n`)
  const { code, stderr, stdout } = await world.mill(["run", "both.ts", "--json", ...offline])
  expect(JSON.parse(stdout).error).toMatchObject({
    _tag: "ProgramError",
    location: `${program}:3:1`,
    message: expect.stringMatching(/default export or .*top-level return, not .*both/),
  })
  expect(stderr).toContain(`${program}:3:1`)
  expect(code).toBe(2)
  expect(entriesOf(world.runsDir).filter((name) => name.startsWith("."))).toEqual([])
}, 20_000)
