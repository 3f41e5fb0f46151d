/** A program's own CommonJS works as under plain Bun, and a run uses it as it was submitted. */
import { describe, expect, test } from "bun:test"
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { formatJsonlDriver, makeWorld, waitFor, writeConfig, writeScript } from "../support/mill.ts"
import { executors } from "../support/sandbox.ts"

const world = makeWorld()
const offline = ["--driver", "offline"]

const pause = `await mill.spawn({ agent: "one", systemPrompt: "s", prompt: "p", model: "m" })`

/** Runs `folder/main.ts`, changes its other files while its agent waits, then lets the agent continue. */
const runWithChanges = async (
  folder: string,
  files: Readonly<Record<string, string>>,
  change: (file: string) => void,
  args: ReadonlyArray<string> = [],
) => {
  for (const [path, contents] of Object.entries(files)) world.write(`${folder}/${path}`, contents)
  const there = join(world.dir, folder, "there")
  const gate = join(world.dir, folder, "gate")
  Bun.spawnSync(["mkfifo", gate])
  const agent = writeScript(
    world,
    `${folder}/agent`,
    `: > "${there}"; read -r _ < "${gate}"; echo '{"type":"result","text":""}'`,
  )
  writeConfig(world, { agent: formatJsonlDriver(agent) }, `${folder}/mill.config.ts`)
  const running = world.run("main.ts", args, { cwd: join(world.dir, folder) })
  await waitFor("the agent to start", () => existsSync(there))
  for (const path of Object.keys(files)) {
    if (path !== "main.ts" && !path.startsWith("node_modules")) change(join(world.dir, folder, path))
  }
  writeFileSync(gate, "\n")
  return running
}

const edit = (file: string) => writeFileSync(file, readFileSync(file, "utf8").replaceAll("old", "new"))
const remove = (file: string) => rmSync(file)

/** CommonJS in every form, loaded after the pause, and what loads it. */
const sources = {
  "main.ts": `import { createRequire } from "node:module"
import early, { word } from "./early.cjs"
${pause}
const { default: late, word: named } = await import("./late.cjs")
const required = require("./required.js")
const typed = require("./typed.cts")
const { word: computed } = require(["./late", "cjs"].join("."))
const { word: created } = createRequire(import.meta.url)("./late.cjs")
const list = require("./list.json")
export default {
  later: await required.later.then((found) => (delete required.later, found)),
  early: early.word, word, late: late.word, named, required, typed: typed("x"), computed, created, list,
  same: require("./late.cjs") === late, text: (await import("./note.txt")).default,
  prose: (await import("./prose.md", { with: { type: "text" } })).default,
  source: (await import("./lib/deep.cjs", { with: { type: "text" } })).default,
}`,
  "early.cjs": `exports.word = "old"`,
  "late.cjs": `module.exports = { word: "old" }`,
  "required.js": `const { join } = require("node:path")
exports.deep = require("./lib/deep.cjs")
exports.esm = require("./esm.ts").word
exports.data = require("./list.json")
exports.pkg = require("tool").word
exports.name = [join("a", "b"), __filename.endsWith("required.js"), require.resolve("./lib/deep.cjs") === module.children[0].id]
exports.later = import("./esm.ts").then((module) => module.word)`,
  "lib/deep.cjs": `module.exports = "old"`,
  "typed.cts": `import deep = require("./lib/deep.cjs")
enum Mark { Old = "old" }
const join = (text: string): string => [text, deep, Mark.Old].join(" ")
export = join`,
  "esm.ts": `export const word: string = "old"`,
  "list.json": `["old"]`,
  "note.txt": `old`,
  "prose.md": `# old`,
  "node_modules/tool/package.json": `{ "name": "tool", "version": "1.0.0", "main": "main.js" }`,
  "node_modules/tool/main.js": `exports.word = require("../../lib/deep.cjs")`,
}

const expected = {
  later: "old",
  early: "old",
  word: "old",
  late: "old",
  named: "old",
  required: {
    deep: "old",
    esm: "old",
    data: ["old"],
    pkg: "old",
    name: ["a/b", true, true],
  },
  typed: "x old old",
  computed: "old",
  created: "old",
  list: ["old"],
  same: true,
  text: "old",
  prose: "# old",
  source: `module.exports = "old"`,
}

const unfrozen = {
  "code.ts": `export const word: string = "old"`,
  "code.cjs": `module.exports = "old"`,
  "list.json": `["old"]`,
  "created.cjs": `exports.word = "old"`,
}

const loadUnfrozen = (name: string, query = "") => `import { createRequire } from "node:module"
${pause}
const name = ${JSON.stringify(`./${name}`)}
const load = (path: string) => path.endsWith("created.cjs") ? createRequire(import.meta.url)(path) : import(path)
const { default: value, word } = await load([name].join() + ${JSON.stringify(query)})
export default word ?? value`

test.concurrent.each(Object.keys(unfrozen))(
  "a program cannot load %s by a computed path if it changed after submission",
  async (name) => {
    const folder = `late-${name.replace(".", "-")}`
    const files = { ...unfrozen, "main.ts": loadUnfrozen(name) }
    const { code, result } = await runWithChanges(folder, files, edit)
    expect(result.errorMessage).toContain(
      `${join(world.dir, folder, name)} changed after the run was submitted`,
    )
    expect(code).toBe(1)
  },
)

test.concurrent("a program can load a file by a computed path if it has not changed", async () => {
  const files = { ...unfrozen, "main.ts": loadUnfrozen("code.cjs") }
  const { result } = await runWithChanges("unchanged", files, () => undefined)
  expect(result.programResult).toBe("old")
})

test.concurrent("a path with a query loads a file as it is, unless it is frozen", async () => {
  const files = {
    ...unfrozen,
    "frozen.ts": `export const word = "old"`,
    "main.ts": `import { word } from "./frozen.ts"
${pause}
const { word: frozen } = await import(["./frozen.ts", "again"].join("?"))
const { word: late } = await import(["./code.ts", "again"].join("?"))
export default [word, frozen, late]`,
  }
  const { result } = await runWithChanges("query", files, edit)
  expect(result.programResult).toEqual(["old", "old", "new"])
})

/** Programs with files of their own, and the results of both forms of import. */
const modules: Readonly<Record<string, readonly [files: Readonly<Record<string, string>>, result: unknown]>> =
  {
    "text on the line of another statement": [
      {
        "main.ts": `import text from "./x.cjs" with { type: "text" }; export default text`,
        "x.cjs": `module.exports = 1`,
      },
      "module.exports = 1",
    ],
    "a function as its exports": [
      {
        "main.ts": `import call from "./x.cjs"\nexport default [call(1), require("./x.cjs")(2), call.half(4)]`,
        "x.cjs": `module.exports = (n) => n + 1\nmodule.exports.half = (n) => n / 2`,
      },
      [2, 3, 2],
    ],
    "the exports of a compiled ES module": [
      {
        "main.ts": `import call, { named } from "./x.cjs"\nimport * as all from "./x.cjs"
export default [call, named, Object.keys(all), require("./x.cjs")]`,
        "x.cjs": `Object.defineProperty(exports, "__esModule", { value: true })\nexports.default = 5\nexports.named = 6`,
      },
      [5, 6, ["default", "named"], { default: 5, named: 6 }],
    ],
    "modules that require each other": [
      {
        "main.ts": `import a from "./a.cjs"\nexport default a`,
        "a.cjs": `exports.early = 1\nexports.b = require("./b.cjs")\nexports.late = 2`,
        "b.cjs": `const a = require("./a.cjs")\nexports.seen = Object.keys(a)\nexports.parent = module.parent.id === require.resolve("./a.cjs")`,
      },
      { early: 1, b: { seen: ["early"], parent: true }, late: 2 },
    ],
    "a package.json with type commonjs": [
      {
        "main.ts": `const { word } = require("./x")\nconst later = await Promise.resolve(word)\nexport default later`,
        "x.js": `const word = "plain"\nthis.word = word`,
        "package.json": `{ "type": "commonjs" }`,
      },
      "plain",
    ],
    "a package.json with type module": [
      {
        "main.ts": `import { word } from "./x.js"\nimport y from "./y.cjs"\nexport default [word, y]`,
        "x.js": `export const word = import.meta.file`,
        "y.cjs": `module.exports = require("./x.js").word`,
        "package.json": `{ "type": "module" }`,
      },
      ["x.js", "x.js"],
    ],
    "sloppy code": [
      {
        "main.ts": `export default require("./x.cjs")`,
        "x.cjs": `#!/usr/bin/env node\nimplied = 010\nwith ({ inner: 2 }) implied += inner\nmodule.exports = [implied, (function () { return this === globalThis })()]`,
      },
      [10, true],
    ],
    "the values of CommonJS": [
      {
        "main.ts": `export default require("./x.cjs")`,
        "x.cjs": `const before = [module.id === __filename, module.filename === __filename, module.loaded, this === exports, require.main === module]
module.exports = [...before, __dirname === require("node:path").dirname(__filename), require.cache[__filename] === module]`,
      },
      [true, true, false, true, false, true, true],
    ],
  }

describe.each(executors)("with the executor %s", (executor) => {
  test.concurrent("editing CommonJS after submission changes nothing", async () => {
    const { result } = await runWithChanges(`edit-${executor}`, sources, edit, ["--executor", executor])
    expect(result.errorMessage).toBeUndefined()
    expect(result.programResult).toEqual(expected)
  })
})

test.concurrent("deleting CommonJS after submission changes nothing", async () => {
  const { "node_modules/tool/main.js": _, ...others } = sources
  const { result } = await runWithChanges(
    "delete",
    { ...others, "node_modules/tool/main.js": `exports.word = "old"` },
    remove,
  )
  expect(result.errorMessage).toBeUndefined()
  expect(result.programResult).toEqual(expected)
})

test.concurrent.each(Object.entries(modules))("a program may import %s", async (name, [files, expected]) => {
  const folder = name.replaceAll(/\W/g, "-")
  for (const [path, contents] of Object.entries(files)) world.write(`${folder}/${path}`, contents)
  const { result } = await world.run("main.ts", offline, { cwd: join(world.dir, folder) })
  expect(result.errorMessage).toBeUndefined()
  expect(result.programResult).toEqual(expected as typeof result.programResult & {})
})

const programs: Readonly<Record<string, readonly [source: string, result: unknown]>> = {
  "program.cjs": [`if (require.main === module) module.exports = Promise.resolve(mill.args)`, ["x"]],
  "program.cts": [
    `import path = require("node:path")
async function main(): Promise<string> { return path.basename(__filename) }
if (require.main === module) module.exports = main()`,
    "program.cts",
  ],
  "assigned.cts": [`const list: string[] = mill.args as string[]\nexport = list`, ["x"]],
  "none.cjs": [`mill.log("hello")`, undefined],
}

test.concurrent.each(Object.entries(programs))(
  "the program %s may be CommonJS",
  async (name, [source, expected]) => {
    world.write(`programs/${name}`, source)
    const { code, result } = await world.run(`programs/${name}`, [...offline, "--", "x"])
    expect(result.errorMessage).toBeUndefined()
    expect(result.programResult).toEqual(expected as typeof result.programResult & {})
    expect(code).toBe(0)
  },
)

test.concurrent.each([
  ["first.cjs", `null.field`, "1:5"],
  ["later.cjs", `"use strict"\nconst a = 1\n;null.field`, "3:6"],
  [
    "typed.cts",
    `const a: number = 1\nfunction f(): void {\n  throw new Error("x")\n}\nf()\nexport = a`,
    "3:13",
  ],
])("an error in %s has its location", async (name, source, place) => {
  const file = world.write(`errors/${name}`, source)
  world.write(`errors/main-${name}.ts`, `\nimport value from "./${name}"\nexport default value`)
  const { result } = await world.run(`errors/main-${name}.ts`, offline)
  expect(result.errorLocation).toBe(`${file}:${place}`)
})
