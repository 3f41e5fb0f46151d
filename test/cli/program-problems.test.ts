/** `--dry-run` finds misspelt members of `mill` and invalid calls of `mill.spawn`, and reports nothing that may be right. */
import { describe, expect, test } from "bun:test"
import { join } from "node:path"
import { makeWorld } from "../support/mill.ts"
import { startInTerminal } from "../support/terminal.ts"

const world = makeWorld()
world.write(
  "mill.config.ts",
  `import { defineConfig } from "@mill/core"
export default defineConfig({ extensions: [{ name: "diary", api: { write: async () => null, read: async () => null } }] })`,
)
const offline = ["--driver", "offline"]
const valid = `agent: "a", systemPrompt: "s", prompt: "p", model: "m"`

type Problem = { readonly location: string; readonly message: string; readonly hint?: string }

/** The problems of a program, each as `line:column message; hint`. */
const findProblems = async (name: string, source: string) => {
  const file = `${name.replaceAll(/\W+/g, "-")}.ts`
  world.write(file, source)
  const { code, stdout } = await world.mill(["run", file, "--dry-run", "--json", ...offline])
  const { planId, problems = [] } = JSON.parse(stdout) as {
    readonly planId: string
    readonly problems?: ReadonlyArray<Problem>
  }
  expect(planId).toMatch(/^[0-9a-f]{64}$/)
  expect(code).toBe(problems.length === 0 ? 0 : 2)
  const prefix = `${join(world.dir, file)}:`
  return problems.map(({ hint, location, message }) => {
    expect(location).toStartWith(prefix)
    return [`${location.slice(prefix.length)} ${message}`, ...(hint === undefined ? [] : [hint])].join("; ")
  })
}

const members = "members of mill: diary, spawn, args, run, log"
const fields = "allowed keys: agent, systemPrompt, prompt, model, sessionRef"
const missing = (field: string, position = "1:7") => `${position} mill.spawn: ${field} is missing`

const mistakes: Readonly<Record<string, readonly [source: string, ...problems: ReadonlyArray<string>]>> = {
  "a misspelt member": [`await mill.spwan({})`, "1:12 mill.spwan does not exist; did you mean spawn?"],
  "a member in brackets": [
    `export default 1\nawait mill["spwan"]({})`,
    "2:12 mill.spwan does not exist; did you mean spawn?",
  ],
  "optional chaining": [`mill?.lgo("x")`, "1:7 mill.lgo does not exist; did you mean log?"],
  "a member with another name altogether": [`mill.fetch("x")`, `1:6 mill.fetch does not exist; ${members}`],
  "globalThis.mill": [`globalThis.mill.spwan()`, "1:17 mill.spwan does not exist; did you mean spawn?"],
  destructuring: [
    `const { spwan, run: { idd } } = mill`,
    "1:9 mill.spwan does not exist; did you mean spawn?",
    "1:23 mill.run.idd does not exist; did you mean id?",
  ],
  "mill under another name": [
    `const m = mill\nm.spwan()`,
    "2:3 mill.spwan does not exist; did you mean spawn?",
  ],
  "a member of mill.run": [`mill.run.ID`, "1:10 mill.run.ID does not exist; did you mean id?"],
  "a function of an extension": [
    `await mill.diary.wrtie("x")`,
    "1:18 mill.diary.wrtie does not exist; did you mean write?",
  ],
  "the name of an extension": [
    `await mill.dairy.read()`,
    "1:12 mill.dairy does not exist; did you mean diary?",
  ],
  "a condition with a misspelt name": [
    `if (mill.spwan) mill.log("x")`,
    "1:10 mill.spwan does not exist; did you mean spawn?",
  ],
  "code after a function that has its own mill": [
    `function run(mill: any) { return mill.own() }\nrun(mill.spwan)`,
    "2:10 mill.spwan does not exist; did you mean spawn?",
  ],
  "types and comments beside it": [
    `interface A { mill: { spwan: 1 } }\ntype B = A["mill"]["spwan"] // mill.spwan\n/* mill.spwan */ mill.spwan`,
    "3:23 mill.spwan does not exist; did you mean spawn?",
  ],
  "a missing field": [`await mill.spawn({ agent: "a", prompt: "p", model: "m" })`, missing("systemPrompt")],
  "a misspelt field": [
    `await mill.spawn({\n  agent: "a",\n  sistemPrompt: "s",\n  prompt: "p",\n  model: "m",\n})`,
    "3:3 mill.spawn: unknown key sistemPrompt; did you mean systemPrompt?",
    missing("systemPrompt"),
  ],
  "fields of another library": [
    `await mill.spawn({ ${valid}, timeout: 5 })`,
    `1:76 mill.spawn: unknown key timeout; ${fields}`,
  ],
  "an empty field": [
    `await mill.spawn({ ${valid.replace(`"p"`, `""`)} })`,
    `1:51 mill.spawn: prompt is ""; expected a non-empty string`,
  ],
  "a field that is a number or a list": [
    `await mill.spawn({ ${valid.replace(`"p"`, `["p"]`).replace(`"a"`, "7")} })`,
    "1:20 mill.spawn: agent is 7; expected a non-empty string",
    "1:49 mill.spawn: prompt is an array; expected a non-empty string",
  ],
  "a field that is undefined": [
    `await mill.spawn({ ${valid.replace(`"p"`, "undefined")} })`,
    missing("prompt"),
  ],
  "an unknown field beside a spread": [
    `const base = { agent: "a" }\nawait mill.spawn({ ...base, agnet: "b" })`,
    "2:29 mill.spawn: unknown key agnet; did you mean agent?",
  ],
  "no argument": [`await mill.spawn()`, "1:7 mill.spawn: the argument is undefined; expected an object"],
  "a prompt alone": [`await mill.spawn("p")`, `1:7 mill.spawn: the argument is "p"; expected an object`],
  "a call under another name": [
    `const { spawn: ask } = mill\nawait ask({ agent: "a", systemPrompt: "s", model: "m" })`,
    missing("prompt", "2:7"),
  ],
}

describe("--dry-run finds", () => {
  test.concurrent.each(Object.entries(mistakes))("%s", async (name, [source, ...problems]) => {
    expect((await findProblems(name, source)).toSorted()).toEqual(problems.toSorted())
  })
})

const right: Readonly<Record<string, string>> = {
  "every member": `const { spawn, args, run: { id, cwd, metadata: { anything } }, log, diary } = mill
await spawn({ ${valid} })
await diary.write(mill.run.metadata.own, mill.args.length, id, cwd, anything, args)
await mill.diary.read()
log(mill.toString() + mill.spawn.name)`,
  "members that the program checks for": `if (mill.notify) mill.notify("x")
const first = mill.title ?? "none"
const other = typeof mill.other === "function" ? mill.other() : first
if ("fourth" in mill) mill.fourth()
const { fifth = 5 } = mill
mill.sixth?.()
export default [first, other, fifth, mill.seventh && mill.seventh()]`,
  "another mill": `import { sep as mill } from "node:path"
mill.spwan
export default mill.length`,
  "names that hide mill": `const use = (mill: any) => mill.spwan()
class Own { mill = { spwan: 1 }; run({ mill }: any) { return mill.spwan + this.mill.spwan } }
{ const mill = { spwan: 1 }; mill.spwan }
for (const mill of [{ spwan: 1 }]) mill.spwan
try { throw { spwan: 1 } } catch (mill: any) { mill.spwan }
function inner() { if (mill) { var mill: any = { spwan: 1 } } return mill?.spwan }
export default [use, Own, inner].length`,
  "fields that are known at run time": `const base = { ${valid} }
const prompt = "p"
const key = "prompt"
await mill.spawn(base)
await mill.spawn({ ...base, prompt: mill.args[0] ?? prompt })
await mill.spawn({ ...base, sessionRef: undefined, [key]: "x" })
await mill.spawn({ agent: "a", systemPrompt: \`\${prompt}\`, prompt, model: mill.args.length ? "m" : "n" })
await Promise.all([base].map((one) => mill.spawn(one)))
const options = { agnet: "a" }
export default options.agnet`,
  "parts of mill whose path is unknown": `const { args: [first] } = mill
const { run = { title: "t" } } = mill
const { [first ?? "run"]: own, ...rest } = mill as any
export default [first?.length, run.title, own.id, rest.log.length]`,
  "fields that others replace, and getters": `const base = { ${valid} }
await mill.spawn({ prompt: "", model: "", ...base })
await mill.spawn({ agent: "a", systemPrompt: "s", get prompt() { return "p" }, model: "m" })`,
  "a spawn of something else": `const other = { spawn: (options: object) => options }
export default other.spawn({ agnet: 1 })`,
}

test.concurrent.each(Object.entries(right))("--dry-run accepts %s", async (name, source) => {
  expect(await findProblems(name, source)).toEqual([])
})

test.concurrent("--dry-run finds mistakes in imported files, and shows them with the plan", async () => {
  world.write("parts/ask.ts", `export const ask = () =>\n  mill.spwan({ ${valid} })\n`)
  world.write("importing.ts", `import { ask } from "./parts/ask.ts"\nexport default await ask()`)
  const { code, stdout } = await world.mill(["run", "importing.ts", "--dry-run", ...offline])
  expect(code).toBe(2)
  expect(stdout).toMatch(/^plan [0-9a-f]{64}$/m)
  expect(stdout).toContain(
    "\nProblems\n ✗ mill.spwan does not exist\n   at parts/ask.ts:2:8\n   → did you mean spawn?\n",
  )
})

test.concurrent("the preview shows the mistakes, and the run can be started anyway", async () => {
  world.write(
    "mistaken.ts",
    `export default await mill.spawn({ agent: "a" } as any).catch(({ message }) => message)`,
  )
  const session = startInTerminal(world, ["run", "mistaken.ts", "--sync", ...offline])
  await session.waitForText("Start this run?")
  expect(Bun.stripANSI(session.readOutput())).toContain("mill.spawn: prompt is missing")
  session.type("y")
  const { code } = await session.result
  expect(code).toBe(0)
  expect(Bun.stripANSI(session.readOutput())).toContain("systemPrompt is missing; prompt is missing")
})
