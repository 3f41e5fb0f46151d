/** The preview of a program before it runs shows its calls, not its comments. */
import { describe, expect, test } from "bun:test"
import { makeWorld } from "../support/mill.ts"
import { startInTerminal } from "../support/terminal.ts"

const world = makeWorld()
const offline = ["--driver", "offline"]
const spawn = (fields: string, call = "mill.spawn") =>
  `await ${call}({ systemPrompt: "s", prompt: "p", ${fields} })\n`
const plain = spawn(`agent: "scout", model: "sonnet"`)
const perhaps = "(possibly more at run time)"

/** Reads the facts about a program from the printed plan. */
const readFacts = async (name: string, source: string) => {
  world.write(name, source)
  const { code, stdout } = await world.mill(["run", name, "--dry-run", ...offline])
  expect(code).toBe(0)
  return Object.fromEntries(
    [...stdout.matchAll(/^ (spawns|agents|models) +(.*)$/gm)].map(([, fact, text]) => [fact, text]),
  )
}

const seen: Readonly<
  Record<string, readonly [source: string, spawns: string, agents: string, models: string]>
> = {
  "a plain call": [plain, "1 mill.spawn call", "scout", "sonnet"],
  "no call": ["export default 1", "none", "none", "none"],
  "names in comments and texts": [
    `// agent: "ghost"\n/* mill.spawn({ model: "phantom" }) */\nconst text = 'mill.spawn({ agent: "said" })'\n${plain}`,
    "1 mill.spawn call",
    "scout",
    "sonnet",
  ],
  "keys in quotes": [spawn(`"agent": "a", 'model': \`b\``), "1 mill.spawn call", "a", "b"],
  "other forms of calls": [
    spawn(`agent: "a", model: "m"`, `mill["spawn"]`) +
      spawn(`agent: "b", model: "m"`, `(mill as any)?.spawn`) +
      spawn(`agent: "c", model: "m"`, `globalThis.mill!.spawn`),
    "3 mill.spawn calls",
    "a, b, c",
    "m",
  ],
  "calls through an alias": [
    `const { spawn, log: say } = mill\n${spawn(`agent: "a", model: "m"`, "spawn")}` +
      `const other = mill.spawn\n${spawn(`agent: "b", model: "m"`, "other")}`,
    "2 mill.spawn calls",
    "a, b",
    "m",
  ],
  constants: [
    `const model = "opus"\nconst fast = mill.args.length > 0 ? "haiku" : model\n` +
      spawn(`agent: "a", model`) +
      spawn(`agent: "b", model: fast`),
    "2 mill.spawn calls",
    "a, b",
    "opus, haiku",
  ],
  "computed names": [
    "for (const kind of mill.args) " + spawn("agent: `${kind}-fan`, model: kind") + plain,
    "2 mill.spawn calls",
    `scout ${perhaps}`,
    `sonnet ${perhaps}`,
  ],
  "spawn as a value": [
    `const asked = [{ agent: "a", model: "m", systemPrompt: "s", prompt: "p" }]\nexport default await Promise.all(asked.map(mill.spawn))`,
    "known only at run time",
    "a",
    "m",
  ],
  "options from a variable": [
    `const options = JSON.parse("{}")\nawait mill.spawn(options)\n`,
    "1 mill.spawn call",
    "known only at run time",
    "known only at run time",
  ],
  "mill under another name": [
    `const m = mill\n${spawn(`agent: "a", model: "x"`, "m.spawn")}`,
    "known only at run time",
    "a",
    "x",
  ],
  "a concatenated name": [
    `${plain}${spawn(`agent: "a", model: "x"`, `mill["sp" + "awn"]`)}`,
    `1 mill.spawn call ${perhaps}`,
    "scout, a",
    "sonnet, x",
  ],
  "code in a string": [`${plain}eval("1")`, `1 mill.spawn call ${perhaps}`, "scout", "sonnet"],
  "destructured values": [
    `type Answer = { agent: string }\ninterface Mine { mill: typeof mill }\nconst answer = ${plain}const tell = ({ agent, model }: any) => agent + model\nexport default tell(answer)`,
    "1 mill.spawn call",
    "scout",
    "sonnet",
  ],
}

describe("the preview shows", () => {
  test.concurrent.each(Object.entries(seen))("%s", async (name, [source, spawns, agents, models]) => {
    expect(await readFacts(`${name.replaceAll(" ", "-")}.ts`, source)).toEqual({ spawns, agents, models })
  })

  test.concurrent("the calls in imported files", async () => {
    world.write("parts/ask.tsx", `export const ask = async () => ${plain}`)
    world.write("parts/data.json", `{ "agent": "none" }`)
    const source = `import { ask } from "./parts/ask.tsx"\nimport data from "./parts/data.json"\nexport default [await ask(), data]\n${plain}`
    expect(await readFacts("imports.ts", source)).toEqual({
      spawns: "2 mill.spawn calls",
      agents: "scout",
      models: "sonnet",
    })
  })
})

test.concurrent("in a narrow terminal long lists are wrapped or counted", async () => {
  const agents = Array.from({ length: 60 }, (_, index) => `agent-${index}`)
  const name = "a-program-with-quite-a-long-name-that-says-what-it-does.ts"
  world.write(`deep/${name}`, agents.map((agent) => spawn(`agent: "${agent}", model: "m"`)).join(""))
  const session = startInTerminal(world, ["run", `deep/${name}`, ...offline], { columns: 40 })
  await session.waitForText("Start this run?")
  const [shown = ""] = Bun.stripANSI(session.readOutput()).split("Start this run?")
  session.type("\u0003")
  expect((await session.result).code).toBe(130)
  const lines = shown.split("\r\n")
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(40)
  const readFact = (fact: string) => {
    const first = lines.findIndex((line) => line.startsWith(` ${fact} `))
    const next = lines.findIndex((line, index) => index > first && /^ \S/.test(line))
    return lines.slice(first, next).map((line) => line.slice(13))
  }
  expect(readFact("program").join("")).toStartWith(`deep/${name}`)
  const listed = readFact("agents")
  expect(listed).toHaveLength(5)
  const named = [
    ...listed
      .slice(0, -1)
      .join(" ")
      .matchAll(/agent-\d+/g),
  ].map(([agent]) => agent)
  expect(named).toEqual(agents.slice(0, named.length))
  expect(listed.at(-1)).toBe(`+ ${60 - named.length} more`)
})
