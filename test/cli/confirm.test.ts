/** In a terminal, mill shows what a program does and asks before it starts. */
import { expect, test } from "bun:test"
import { listEntries, makeWorld } from "../support/mill.ts"
import { startInTerminal } from "../support/terminal.ts"

const world = makeWorld()
world.write("parts/words.ts", `export const prompt = "say hello"`)
const program = world.write(
  "ask.ts",
  `import { prompt } from "./parts/words.ts"
import { cpus } from "node:os"
const model = "opus"
await mill.spawn({ agent: "scout", systemPrompt: "s", prompt, model: "sonnet" })
await mill.spawn({ agent: \`judge\`, systemPrompt: "s", prompt, model })
export default cpus().length > 0
`,
)
const offline = ["--driver", "offline"]
const listRuns = (name: string) => listEntries(`${world.dir}/${name}`)
const start = (name: string, ...args: ReadonlyArray<string>) =>
  startInTerminal(world, ["run", program, ...offline, "--runs-dir", `${world.dir}/${name}`, ...args])

test.concurrent("mill shows the program, and yes starts it", async () => {
  const session = start("yes")
  await session.waitForText("Start this run?")
  const shown = session.readOutput()
  for (const fact of [
    "ask.ts",
    "parts/words.ts",
    "node:os",
    "2 mill.spawn calls",
    "scout, judge",
    "sonnet",
    "offline",
  ]) {
    expect(shown).toContain(fact)
  }
  expect(listRuns("yes")).toEqual([])
  session.type("y")
  expect(await session.result).toMatchObject({ code: 0, output: expect.stringContaining("started") })
  expect(listRuns("yes")).toHaveLength(1)
})

test.concurrent("no starts nothing, and the reason is printed as JSON", async () => {
  const session = start("no")
  await session.waitForText("Start this run?")
  session.type("n")
  await session.waitForText("Reason (optional)")
  session.type("too dear\r")
  const { code, output } = await session.result
  const [line] = /\{"error".*\}/.exec(output) ?? []
  expect(JSON.parse(line ?? "null")).toEqual({
    error: { _tag: "RunRefused", message: "run declined: too dear", reason: "too dear" },
  })
  expect(code).toBe(1)
  expect(listRuns("no")).toEqual([])
})

test.concurrent("no may have no reason", async () => {
  const session = start("silent")
  await session.waitForText("Start this run?")
  session.type("n")
  await session.waitForText("Reason (optional)")
  session.type("\r")
  const { code, output } = await session.result
  expect(output).toContain(`{"error":{"_tag":"RunRefused","message":"run declined"}}`)
  expect([code, listRuns("silent")]).toEqual([1, []])
})

test.concurrent.each([
  ["Ctrl-C", "\u0003"],
  ["Ctrl-D", "\u0004"],
  ["Esc", "\u001b"],
])("%s starts nothing, which mill prints on its own line", async (name, key) => {
  const session = start(name)
  await session.waitForText("Start this run?")
  session.type(key)
  const { code, output } = await session.result
  expect(output).toMatch(/Start this run\?[^\n]*\r\ncancelled; no run was started\r\n$/)
  expect([code, listRuns(name)]).toEqual([130, []])
})

test.concurrent("Ctrl-C at the question for a reason starts nothing", async () => {
  const session = start("unreasonable")
  await session.waitForText("Start this run?")
  session.type("n")
  await session.waitForText("Reason (optional)")
  session.type("\u0003")
  const { code, output } = await session.result
  expect(output).toMatch(/\r\ncancelled; no run was started\r\n$/)
  expect([code, listRuns("unreasonable")]).toEqual([130, []])
})

test.concurrent.each([["--confirm=false"], ["--no-confirm"], ["--json"]])(
  "mill run %s does not ask",
  async (flag) => {
    const { code, output } = await start(`unasked${flag}`, flag).result
    expect(output).not.toContain("Start this run?")
    expect(code).toBe(0)
    expect(listRuns(`unasked${flag}`)).toHaveLength(1)
  },
)

test.concurrent("a configuration can switch the question off, and --confirm switches it on", async () => {
  world.write("quiet/mill.config.ts", `export default { confirm: false, defaultDriver: "offline" }`)
  const cwd = `${world.dir}/quiet`
  const { code, output } = await startInTerminal(world, ["run", program], { cwd }).result
  expect([code, output.includes("Start this run?")]).toEqual([0, false])
  const asked = startInTerminal(world, ["run", program, "--confirm"], { cwd })
  await asked.waitForText("Start this run?")
  asked.type("\u0003")
  expect((await asked.result).code).toBe(130)
})
