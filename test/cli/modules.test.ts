/** A program is an ordinary module at its own path and resolves imports as under plain Bun. */
import { describe, expect, test } from "bun:test"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { makeWorld, filterEvents } from "../support/mill.ts"
import { executors, formatReadableExecutor } from "../support/sandbox.ts"

const world = makeWorld()
// Some imports are computed at run time.
world.write(
  "mill.config.ts",
  `import { defineConfig, vmExecutor } from "@mill/core"\nexport default defineConfig({ ${formatReadableExecutor("lib")} })`,
)

/** Programs that complete, with their results. */
const completing: Readonly<Record<string, readonly [source: string, result: unknown]>> = {
  "a default export that is a promise": [
    `export default new Promise((resolve) => setTimeout(resolve, 1, "late"))`,
    "late",
  ],
  "a default export of null": [`export default null`, null],
  "a default export with toJSON": [
    `export default { at: new Date(0), keep: undefined }`,
    { at: "1970-01-01T00:00:00.000Z" },
  ],
  "an empty file": [``, undefined],
  "a default export that a pending timer changes": [
    `const list: number[] = []\nsetTimeout(() => list.push(1), 20)\nexport default list`,
    [1],
  ],
  "a shebang": [`#!/usr/bin/env bun\nexport default 1`, 1],
  "a byte order mark": [`\ufeffexport default 1`, 1],
}

describe.each(executors)("with the executor %s", (executor) => {
  const offline = ["--driver", "offline", "--executor", executor]

  test.concurrent("modules are resolved from the program's folder", async () => {
    world.write(
      "node_modules/greet/package.json",
      `{ "name": "greet", "version": "1.0.0", "main": "main.js" }`,
    )
    world.write("node_modules/greet/main.js", `export const greet = (name) => "hello " + name`)
    world.write("lib/data.json", `{ "answer": 42, "list": [1, "two"] }`)
    world.write("lib/settings.toml", `[limits]\nspawns = 3\n`)
    world.write("lib/note.txt", `a "note"\n`)
    world.write(
      "lib/helper.ts",
      `import { word } from "./deeper/word.js"
  export enum Colour { Red = "red" }
  export const helper = { word, main: import.meta.main, dir: import.meta.dir }`,
    )
    world.write("lib/deeper/word.js", `export const word = "deep"`)
    world.write("lib/later.tsx", `export default <T,>(value: T) => [value]`)
    const program = world.write(
      "programs/main.ts",
      `import { greet } from "greet"
  import data, { answer } from "../lib/data.json"
  import settings from "../lib/settings.toml"
  import note from "../lib/note.txt"
  import * as fs from "node:fs"
  import { helper, Colour } from "../lib/helper"
  const { default: wrap } = await import("../lib/" + ["later"].join() + ".tsx")
  const { helper: again } = await import("../lib/helper.ts")
  export default {
    greeting: greet("mill"), data, answer, settings, note, colour: Colour.Red, helper, same: again === helper,
    wrapped: wrap("x"), required: require("../lib/data.json").answer,
    dir: import.meta.dir, path: import.meta.path, url: import.meta.url, file: import.meta.file,
    dirname: import.meta.dirname, filename: import.meta.filename, resolved: import.meta.resolve("../lib/data.json"),
    main: import.meta.main, here: fs.existsSync(import.meta.path),
  }`,
    )
    const { code, result } = await world.run("programs/main.ts", offline)
    expect(result.programResult).toEqual({
      greeting: "hello mill",
      data: { answer: 42, list: [1, "two"] },
      answer: 42,
      settings: { limits: { spawns: 3 } },
      note: `a "note"\n`,
      colour: "red",
      helper: { word: "deep", main: false, dir: join(world.dir, "lib") },
      same: true,
      wrapped: ["x"],
      required: 42,
      dir: join(world.dir, "programs"),
      dirname: join(world.dir, "programs"),
      path: program,
      filename: program,
      file: "main.ts",
      url: pathToFileURL(program).href,
      resolved: pathToFileURL(join(world.dir, "lib/data.json")).href,
      main: true,
      here: true,
    })
    expect(code).toBe(0)
  })

  test.concurrent("a program has its arguments, metadata and environment", async () => {
    const program = world.write(
      "surroundings.ts",
      `const stdin = await Bun.stdin.text()
  for await (const chunk of process.stdin) throw new Error("stdin is not empty: " + chunk)
  mill.log("first")
  mill.log("second\\nline")
  mill.log(JSON.stringify({ third: true }))
  let frozen = 0
  for (const change of [() => { (mill as any).args.push("x") }, () => { (mill.run as any).id = "x" }, () => { (mill as any).spawn = 1 }]) {
    try { change() } catch { frozen += 1 }
  }
  export default {
    stdin, frozen, args: mill.args, run: mill.run, argv: process.argv.slice(1), cwd: process.cwd(),
    runId: process.env.MILL_RUN_ID, spawnId: process.env.MILL_SPAWN_ID ?? null, depth: process.env.MILL_RUN_DEPTH,
  }`,
    )
    const args = ["plain", "--driver", "nope", "-x", "--json=false", "", "two words", "--", "é"]
    const { events, record, result } = await world.run("./surroundings.ts", [
      ...offline,
      "--meta",
      "ticket=A-1",
      "--meta",
      "who=a=b",
      "--",
      ...args,
    ])
    const metadata = { ticket: "A-1", who: "a=b" }
    expect(result.programResult).toEqual({
      stdin: "",
      frozen: 3,
      args,
      run: { id: record.id, cwd: world.dir, metadata },
      argv: [program, ...args],
      cwd: world.dir,
      runId: record.id,
      spawnId: null,
      depth: "0",
    })
    expect(record.metadata).toEqual(metadata)
    expect(record.programPath).toBe(program)
    expect(filterEvents(events, "run:log").map(({ payload }) => payload.message)).toEqual([
      "first",
      "second\nline",
      '{"third":true}',
    ])
  })

  test.concurrent.each(Object.entries(completing))(
    "a program may have %s",
    async (name, [source, expected]) => {
      const file = `completing/${name.replaceAll(" ", "-")}.ts`
      world.write(file, source)
      const { code, events, result } = await world.run(file, offline)
      expect(result.programResult).toEqual(expected as typeof result.programResult & {})
      expect(events.at(-1)?.type).toBe("run:complete")
      expect(code).toBe(0)
    },
  )

  test("a program may be in a folder whose name needs quoting", async () => {
    world.write("odd [folder] (1) 'x' \"y\" ü%20/lib.ts", `export const place = import.meta.dir`)
    const file = "odd [folder] (1) 'x' \"y\" ü%20/main.ts"
    world.write(file, `import { place } from "./lib.ts"\nexport default [place, import.meta.dir]`)
    const { result } = await world.run(file, offline)
    const folder = join(world.dir, "odd [folder] (1) 'x' \"y\" ü%20")
    expect(result.programResult).toEqual([folder, folder])
  })
})

const offline = ["--driver", "offline"]

test.concurrent("a program may import code and data as text", async () => {
  world.write("texts/code.ts", `import "./missing.ts"\nthrow new Error("executed")\n`)
  world.write("texts/both.ts", `export const both = import.meta.file\n`)
  world.write("texts/data.json", `{ "a": 1 }`)
  world.write("texts/data.dat", `{ "a": 2 }`)
  world.write("texts/list.md", `- a: 3`)
  world.write("texts/page.md", `# Title`)
  world.write("texts/settings.json5", `{ a: 4, }`)
  world.write(
    "texts/main.ts",
    `import code from "./code.ts" with { type: "text" }
import data from "./data.json" with { type: "text" }
import plain from "././data.json" with { type: "json" }
import dat from "./data.dat" with { type: "json" }
import list from "./list.md" with { type: "yaml" }
import page from "./page.md"
import source from "././page.md" with { type: "text" }
import settings from "./settings.json5"
import file from "././code.ts" with { type: "file" }
import { both } from "./both.ts"
const { default: text } = await import("././both.ts", { with: { type: "text" } })
export default [code, data, plain, dat, list, page, source, settings, file, both, text]`,
  )
  const { result } = await world.run("texts/main.ts", offline)
  expect(result.errorMessage).toBeUndefined()
  expect(result.programResult).toEqual([
    `import "./missing.ts"\nthrow new Error("executed")\n`,
    `{ "a": 1 }`,
    { a: 1 },
    { a: 2 },
    [{ a: 3 }],
    "<h1>Title</h1>\n",
    `# Title`,
    { a: 4 },
    join(world.dir, "texts/code.ts"),
    "both.ts",
    `export const both = import.meta.file\n`,
  ])
})

test.concurrent.each([
  ["a database", `import db from "./x.sqlite"\nexport default db`, "2:16", "bun:sqlite"],
  ["a native module", `\n\nrequire("./x.node")`, "4:9", "native module"],
  ["text by a computed path", `await import(mill.args[0], { with: { type: "text" } })`, "2:7", "computed"],
  [
    "computed attributes",
    `const type = "text"\nawait import("./x.node", { with: { type } })`,
    "3:7",
    "computed",
  ],
  ["an unknown type", `import x from "./x.node" with { type: "odd" }\nexport default x`, "2:15", `"odd"`],
  ["a missing text", `import x from "./y.md" with { type: "text" }\nexport default x`, "2:15", `"./y.md"`],
  [
    "one path with two types",
    `import x from "./z.ts" with { type: "text" }\nimport { z } from "./z.ts"\nexport default [x, z]`,
    "2:15",
    `"././z.ts"`,
  ],
])("a program that imports %s is refused", async (name, source, place, text) => {
  world.write("refused/x.sqlite", "")
  world.write("refused/x.node", "")
  world.write("refused/z.ts", "export const z = 1")
  const program = world.write(`refused/${name.replaceAll(" ", "-")}.ts`, `\n${source}`)
  const { code, stdout } = await world.mill(["run", program, "--json", ...offline])
  const { error } = JSON.parse(stdout)
  expect(error).toMatchObject({ _tag: "ProgramError", location: `${program}:${place}` })
  expect(error.message).toContain(text)
  expect(code).toBe(2)
})
