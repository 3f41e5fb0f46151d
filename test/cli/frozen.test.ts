/** A run uses the files as they were submitted, whatever happens to them afterwards. */
import { expect, test } from "bun:test"
import { createHash } from "node:crypto"
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import {
  listEntries,
  waitFor,
  formatJsonlDriver,
  makeWorld,
  writeConfig,
  writeScript,
} from "../support/mill.ts"

const world = makeWorld()
const sources: Readonly<Record<string, string>> = {
  "program/main.ts": `import { word } from "./lib.ts"
import data from "./data.json"
const ask = async (agent: string) => (await mill.spawn({ agent, systemPrompt: "s", prompt: "p", model: "m" })).text
const before = await ask("one")
const { later } = await import("./later.ts")
const again = (await import("./lib.ts")).word
export default { word, data, before, later, again, after: await ask("two"), line: new Error("here").stack?.includes("main.ts:7:") }
`,
  "program/lib.ts": `export { word } from "./deep/word.ts"\n`,
  "program/deep/word.ts": `export const word = "old"\n`,
  "program/later.ts": `import { word } from "./deep/word.ts"\nexport const later = "later " + word\n`,
  "program/data.json": `{ "word": "old" }\n`,
}

/** Runs the program, changes its files while its first agent waits, then lets the agent continue. */
const runWithChanges = async (
  meanwhile: (files: ReadonlyArray<string>) => void,
  files: Readonly<Record<string, string>> = sources,
) => {
  for (const [path, contents] of Object.entries(files)) world.write(path, contents)
  const there = join(world.dir, "there")
  const gate = join(world.dir, "gate")
  rmSync(there, { force: true })
  rmSync(gate, { force: true })
  Bun.spawnSync(["mkfifo", gate])
  const agent = writeScript(
    world,
    "agent",
    `if [ "$MILL_SPAWN_ID" = spawn_1 ]; then : > "${there}"; read -r _ < "${gate}"; fi
echo '{"type":"result","text":"'"$WORD"'"}'`,
  )
  const config = writeConfig(world, { agent: formatJsonlDriver(agent, `env: { WORD: "old" }`) })
  const running = world.run("program/main.ts")
  await waitFor("the first agent to start", () => existsSync(there))
  meanwhile([config, ...Object.keys(files).map((path) => join(world.dir, path))])
  writeFileSync(gate, "\n")
  return running
}

const unchanged = {
  word: "old",
  data: { word: "old" },
  before: "old",
  later: "later old",
  again: "old",
  after: "old",
  line: true,
}

test("editing files after submission changes nothing", async () => {
  const { record, result } = await runWithChanges((files) => {
    for (const file of files) {
      const contents = readFileSync(file, "utf8")
      const edited = contents.replaceAll("old", "new")
      writeFileSync(file, file.endsWith(".json") ? edited : `// another line\n${edited}`)
    }
  })
  expect(result.programResult).toEqual(unchanged)
  expect(readFileSync(record.paths.programFile, "utf8")).toBe(sources["program/main.ts"] ?? "")
})

test("deleting files after submission changes nothing, and the run keeps them by hash", async () => {
  const { code, record, result } = await runWithChanges((files) => files.forEach((file) => rmSync(file)))
  expect(result.programResult).toEqual(unchanged)
  expect(code).toBe(0)
  const kept = listEntries(join(record.paths.runDir, "sources"))
  const sha256 = (text: string) => createHash("sha256").update(text).digest("hex")
  for (const contents of Object.values(sources)) expect(kept).toContain(sha256(contents))
  for (const name of kept) {
    expect(sha256(readFileSync(join(record.paths.runDir, "sources", name), "utf8"))).toBe(name)
  }
  expect(kept).toHaveLength(Object.keys(sources).length + 1)
})

test("breaking the syntax of files after submission changes nothing", async () => {
  const { result } = await runWithChanges((files) =>
    files.forEach((file) => writeFileSync(file, "const = {")),
  )
  expect(result.programResult).toEqual(unchanged)
})

test("a dynamically imported text is frozen too", async () => {
  const main = `await mill.spawn({ agent: "one", systemPrompt: "s", prompt: "p", model: "m" })
const { default: prompt } = await import("./prompt.md", { with: { type: "text" } })
export default prompt`
  const { result } = await runWithChanges(([, , prompt = ""]) => writeFileSync(prompt, "new"), {
    "program/main.ts": main,
    "program/prompt.md": "old",
  })
  expect(result.programResult).toBe("old")
})

test("files behind the imports of a package.json are frozen too", async () => {
  const files = {
    "program/package.json": `{ "imports": { "#word": "./inner/word.ts", "#data": "./inner/data.json", "#both": { "require": "./inner/both.cjs", "default": "./inner/both.ts" } } }`,
    "program/main.ts": `import { word } from "#word"
await mill.spawn({ agent: "one", systemPrompt: "s", prompt: "p", model: "m" })
const { both } = await import("#both")
export default [word, (await import("#data")).default.word, both, require("#both"), await import("#absent").catch(() => "absent")]
`,
    "program/inner/word.ts": `export const word = "old"\n`,
    "program/inner/data.json": `{ "word": "old" }\n`,
    "program/inner/both.cjs": `module.exports = "old script"\n`,
    "program/inner/both.ts": `export const both = "old module"\n`,
  }
  const { result } = await runWithChanges((changed) => {
    for (const file of changed) {
      if (file.includes("/inner/")) writeFileSync(file, readFileSync(file, "utf8").replaceAll("old", "new"))
    }
  }, files)
  expect(result.errorMessage).toBeUndefined()
  expect(result.programResult).toEqual(["old", "old", "old module", "old script", "absent"])
})

test("the plan's id changes with every input of the run", async () => {
  for (const [path, contents] of Object.entries(sources)) world.write(path, contents)
  const agent = writeScript(world, "instant", `echo '{"type":"result","text":""}'`)
  const configured = () => writeConfig(world, { agent: formatJsonlDriver(agent) })
  const planId = async (...args: ReadonlyArray<string>) =>
    (await world.run("program/main.ts", args)).record.planId
  configured()
  const first = await planId()
  expect(first).toMatch(/^[0-9a-f]{64}$/)
  expect(await planId("--meta", "a=b", "--", "argument")).toBe(first)
  world.write("program/deep/word.ts", `export const word = "new"\n`)
  const edited = await planId()
  expect(edited).not.toBe(first)
  writeConfig(world, { agent: formatJsonlDriver(agent, `args: ["-x"]`) })
  expect([first, edited]).not.toContain(await planId())
})
