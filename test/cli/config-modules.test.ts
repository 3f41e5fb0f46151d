/** A configuration is ordinary TypeScript at its own path, in the command and in the run's worker, in every build of mill. */
import { expect, test } from "bun:test"
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { makeWorld } from "../support/mill.ts"

const world = makeWorld()
const resolvePath = (path: string) => join(world.dir, path)
// In a folder without a package, Bun may install what an import names.
world.write("package.json", `{ "name": "here", "imports": { "#inner": "./lib/inner.ts" } }`)
world.write("good.ts", `export default await mill.probe.look()`)

/** Writes a configuration whose extension returns what `fields` found during the evaluation. */
const writeProbe = (folder: string, header: string, fields: string) =>
  world.write(
    `${folder}/mill.config.ts`,
    `${header}
const found = { ${fields} }
export default {
  defaultDriver: "offline",
  extensions: [{ name: "probe", api: { look: async () => found } }],
}`,
  )

const look = async (folder: string) => {
  const { code, result, stderr } = await world.run("../good.ts", [], { cwd: resolvePath(folder) })
  expect([code, stderr.includes("error")]).toEqual([0, false])
  return result.programResult
}

test.concurrent("it imports packages, data and other files as under plain Bun", async () => {
  world.write("node_modules/modern/package.json", `{ "name": "modern", "exports": { "./*": "./*.js" } }`)
  world.write("node_modules/modern/in/side.js", `export const side = import.meta.url`)
  world.write("node_modules/old/package.json", `{ "name": "old", "main": "main.js" }`)
  world.write("node_modules/old/main.js", `exports.old = [__filename, require("./data.json")]`)
  world.write("node_modules/old/data.json", `5`)
  world.write("tsconfig.json", `{ "compilerOptions": { "paths": { "~/*": ["./lib/*"] } } }`)
  world.write("lib/inner.ts", `export const inner = "inner"`)
  world.write("lib/aliased.ts", `export const aliased = "aliased"`)
  world.write(
    "lib/one.ts",
    `import { two } from "./two.ts"\nexport const one = 1\nexport const getTwo = () => two`,
  )
  world.write(
    "lib/two.ts",
    `import { one } from "./one.ts"\nexport const two = 2\nexport const getOne = () => one`,
  )
  world.write("lib/data.json", `{ "answer": 42 }`)
  world.write("lib/data.toml", `answer = 43`)
  world.write("lib/data.yaml", `answer: 44`)
  world.write("lib/note.txt", `note\n`)
  writeProbe(
    "imports",
    `import { defineConfig } from "@mill/core"
import { side } from "modern/in/side"
import { old } from "old"
import { inner } from "#inner"
import { aliased } from "~/aliased"
import { getTwo } from "../lib/one"
import { getOne } from "../lib/two.ts"
import data, { answer } from "../lib/data.json"
import toml from "../lib/data.toml"
import yaml from "../lib/data.yaml"
import note from "../lib/note.txt"
import { Database } from "bun:sqlite"
const { inner: again } = await import("../lib/" + ["inner"].join() + ".ts")
enum Letter { A = "a" }
const database = new Database(":memory:")`,
    `core: typeof defineConfig, side, old, inner, again, aliased, one: getOne(), two: getTwo(), data, answer, toml, yaml,
note, required: require("../lib/data.json").answer, letter: Letter.A, row: database.query("select 1 as one").get()`,
  )
  expect(await look("imports")).toEqual({
    core: "function",
    side: pathToFileURL(resolvePath("node_modules/modern/in/side.js")).href,
    old: [resolvePath("node_modules/old/main.js"), 5],
    inner: "inner",
    again: "inner",
    aliased: "aliased",
    one: 1,
    two: 2,
    data: { answer: 42 },
    answer: 42,
    toml: { answer: 43 },
    yaml: { answer: 44 },
    note: "note\n",
    required: 42,
    letter: "a",
    row: { one: 1 },
  })
})

test.concurrent("it has its own place, and errors have its lines and columns", async () => {
  world.write(
    "place/lib/where.ts",
    `type Long = {\n  a: 1\n}\nexport const where = (_: Long | undefined): string =>\n  new Error("here").stack ?? ""`,
  )
  const path = writeProbe(
    "place",
    `import { where } from "./lib/where.ts"\ninterface Longer {\n  a: 1\n}\nconst [, ...lines] = where(undefined).split("\\n")`,
    `lines: lines.slice(0, 2).map((line) => line.trim()), path: import.meta.path, dir: import.meta.dir, url: import.meta.url,
file: import.meta.file, filename: import.meta.filename, dirname: import.meta.dirname, main: import.meta.main,
resolved: import.meta.resolve("./lib/where.ts")`,
  )
  expect(await look("place")).toEqual({
    lines: [`at where (${resolvePath("place/lib/where.ts")}:5:7)`, `at ${path}:5:22`],
    path,
    dir: resolvePath("place"),
    url: pathToFileURL(path).href,
    file: "mill.config.ts",
    filename: path,
    dirname: resolvePath("place"),
    main: false,
    resolved: pathToFileURL(resolvePath("place/lib/where.ts")).href,
  })
})

test.concurrent("it may start threads and processes", async () => {
  world.write("threads/thread.ts", `const text: string = "from a thread"\npostMessage(text)`)
  writeProbe(
    "threads",
    `const thread = new Worker(new URL("./thread.ts", import.meta.url))
const said = await new Promise((resolve) => { thread.onmessage = ({ data }) => resolve(data) })
thread.terminate()
const printed = Bun.spawnSync(["/bin/sh", "-c", 'printf "%s" "\${BUN_BE_BUN-none}"']).stdout.toString()`,
    `said, printed`,
  )
  expect(await look("threads")).toEqual({ said: "from a thread", printed: "none" })
})

test.concurrent("an import of a missing package fails where it is evaluated", async () => {
  const path = writeProbe(
    "missing",
    `const name = ["no-such", "package"].join("-")
const message = await import(name).then(() => "imported", (error) => String(error.message))`,
    `message`,
  )
  expect(await look("missing")).toEqual({
    message: `Cannot find package 'no-such-package' imported from ${path}`,
  })
})

test.concurrent("the run's worker evaluates the sources that were submitted", async () => {
  world.write("edited/value.ts", `export const value = "old"`)
  writeProbe("edited", `import { value } from "./value.ts"`, `value`)
  world.write(
    "edited/program.ts",
    `import { existsSync } from "node:fs"
while (!existsSync(import.meta.dir + "/go")) await Bun.sleep(10)
export default await mill.probe.look()`,
  )
  const cwd = resolvePath("edited")
  const { runId } = JSON.parse((await world.mill(["run", "program.ts", "--json"], { cwd })).stdout)
  world.write("edited/value.ts", `export const value = "new"`)
  mkdirSync(join(cwd, "go"))
  expect((await world.mill(["wait", runId, "--timeout", "60"], { cwd })).code).toBe(0)
  expect(JSON.parse(await Bun.file(join(world.runsDir, runId, "result.json")).text()).programResult).toEqual({
    value: "old",
  })
})
