/** Runs with functions in their configuration object: they are part of the script's process, and other processes see normal runs. */
import { afterAll, describe, expect, test } from "bun:test"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import {
  createMill,
  defineCodec,
  Effect,
  type Extension,
  type MillConfig,
  processDriver,
  Result,
} from "@mill/core"
import { filterEvents, findProcesses, makeWorld, repository, waitFor } from "../support/mill.ts"

const timeout = 120_000
const world = makeWorld()
const folder = mkdtempSync(join(tmpdir(), "mill-local-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const runsDir = join(folder, "runs")
const write = (name: string, text: string) => {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}
const command = (...args: ReadonlyArray<string>) => world.mill([...args, "--runs-dir", runsDir])

/** A codec of the script's own: the agent prints words, and the codec counts its spawns. */
let encoded = 0
const words = () =>
  defineCodec<{ readonly text: string }>({
    name: "words",
    modelFormat: "any",
    models: [],
    encodeSpawn: ({ prompt }) => {
      encoded += 1
      return Result.succeed({ args: [prompt] })
    },
    initial: { text: "" },
    decodeEvent: ({ text }, line) => [{ text: `${text}<${line}>` }, []],
    decodeFinal: ({ text }) => ({ final: true, text }),
  })

const notes: Array<string> = []
const diary: Extension = {
  name: "diary",
  setup: ({ runId }) => Effect.sync(() => void notes.push(`setup ${runId}`)),
  onEvent: ({ type }, { runId }) => Effect.sync(() => void notes.push(`${type} ${runId}`)),
  api: {
    note: async (text) => notes.push(String(text)),
    fail: async () => Promise.reject(new Error("the diary is full")),
  },
}
const config = (): MillConfig => ({
  defaultDriver: "mine",
  drivers: {
    mine: processDriver({ command: "echo", codec: words() }),
    sleeper: processDriver({ command: "sleep", codec: words() }),
  },
  extensions: [diary],
  cancelGrace: 1,
})
const open = (more: MillConfig = {}) => createMill({ cwd: folder, runsDir, config: { ...config(), ...more } })
const ask = (prompt: string) =>
  `mill.spawn({ agent: "a", systemPrompt: "s", prompt: ${JSON.stringify(prompt)} })`
write(
  "ask.ts",
  `const { text } = await ${ask("hello")}
const failed = await mill.diary.fail().catch(({ message }) => message)
await mill.diary.note(mill.args[0])
export default [text, failed, process.cwd()]`,
)
write("sleep.ts", `await ${ask("600")}`)

describe("a configuration object with functions", () => {
  test(
    "has codecs and extensions that see the script's own variables",
    async () => {
      const before = encoded
      await using mill = open()
      const { programResult, runId, spawns, status } = await mill.runSync({
        program: "ask.ts",
        args: ["mine"],
      })
      expect({ programResult, status }).toEqual({
        programResult: ["<hello>", "the diary is full", folder],
        status: "complete",
      })
      expect(spawns).toMatchObject([{ text: "<hello>", driver: "mine", exitCode: 0 }])
      expect(encoded).toBe(before + 1)
      expect(notes).toContain("mine")
      expect(notes).toContain(`setup ${runId}`)
      await waitFor("the last event", () => notes.includes(`run:complete ${runId}`) || undefined)
      const owner = JSON.parse(readFileSync(join(runsDir, runId, "owner.1"), "utf8"))
      expect(owner.pid).toBe(process.pid)
      const { code, stdout } = await command("status", runId, "--json")
      expect({ code, record: JSON.parse(stdout) }).toMatchObject({
        code: 0,
        record: { status: "complete", driver: "mine", changedSources: [] },
      })
    },
    timeout,
  )

  test(
    "executes several runs at once, each with its own events and output",
    async () => {
      await using mill = open()
      const ids = ["one", "two", "three"]
      const results = await Promise.all(ids.map((id) => mill.runSync({ program: "ask.ts", args: [id] })))
      expect(results.map(({ status }) => status)).toEqual(["complete", "complete", "complete"])
      expect(new Set(results.map(({ runId }) => runId)).size).toBe(3)
      for (const { runId } of results) {
        const { spawns } = await mill.inspect(runId)
        expect(spawns).toHaveLength(1)
        const setups = notes.filter((note) => note === `setup ${runId}`)
        expect(setups).toHaveLength(1)
      }
      for (const id of ids) expect(notes).toContain(id)
    },
    timeout,
  )

  test(
    "has runs that other terminals follow and cancel",
    async () => {
      await using mill = open()
      const { runId } = await mill.submit({ program: "sleep.ts", driver: "sleeper" })
      const events: Array<string> = []
      const watching = (async () => {
        for await (const { event } of mill.watch(runId)) events.push(event.type)
      })()
      await waitFor("the spawn", () => events.includes("spawn:start") || undefined)
      expect(JSON.parse((await command("status", runId, "--json")).stdout)).toMatchObject({
        status: "running",
      })
      await waitFor("the agent", () => findProcesses(`MILL_RUN_ID=${runId}`)[0])
      const { code, stdout } = await command("cancel", runId, "--reason", "enough", "--json")
      expect({ code, answer: JSON.parse(stdout) }).toMatchObject({ code: 0, answer: { status: "cancelled" } })
      await watching
      expect(events.at(-1)).toBe("run:cancelled")
      expect(findProcesses(`MILL_RUN_ID=${runId}`)).toEqual([])
    },
    timeout,
  )

  test(
    "has runs that end when the client is closed",
    async () => {
      const mill = open()
      const { runId } = await mill.submit({ program: "sleep.ts", driver: "sleeper" })
      await waitFor("the agent", () => findProcesses(`MILL_RUN_ID=${runId}`)[1])
      await mill.close()
      expect(findProcesses(`MILL_RUN_ID=${runId}`)).toEqual([])
      const record = JSON.parse((await command("status", runId, "--json")).stdout)
      expect(record).toMatchObject({ status: "cancelled", spawns: { started: 1, cancelled: 1 } })
    },
    timeout,
  )

  test(
    "fails the run whose program fails, and leaves the script's own errors and exit alone",
    async () => {
      write("fail.ts", `throw new Error("broken")`)
      const exit = process.exit
      await using mill = open()
      const { errorMessage, status } = await mill.runSync({ program: "fail.ts" })
      expect({ errorMessage, status }).toEqual({
        errorMessage: expect.stringContaining("broken"),
        status: "failed",
      })
      expect(process.exit).toBe(exit)
    },
    timeout,
  )

  test(
    "is part of the plan: other functions make another plan, and no text of a function is on disk",
    async () => {
      const secret = "a secret in a function"
      const withApi = (api: Extension["api"]) =>
        createMill({
          cwd: folder,
          runsDir,
          config: { ...config(), extensions: [{ name: "diary", api: api ?? {} }] },
        })
      await using one = withApi({ note: async () => secret, fail: async () => 1 })
      await using two = withApi({ note: async () => "other", fail: async () => 1 })
      const [first, again, other] = await Promise.all([
        one.prepare({ program: "ask.ts" }),
        one.prepare({ program: "ask.ts" }),
        two.prepare({ program: "ask.ts" }),
      ])
      expect(first.plan.planId).toBe(again.plan.planId)
      expect(first.plan.planId).not.toBe(other.plan.planId)
      expect(JSON.stringify([...first.contents])).not.toContain(secret)
      expect(first.plan.config).toMatchObject([{ generated: true, local: true }])
    },
    timeout,
  )
})

describe("when the script's process dies", () => {
  const script = (
    end: string,
  ) => `import { createMill, defineCodec, processDriver, Result } from "${repository}/src/public/mill.api.ts"
const codec = defineCodec({
  name: "own", modelFormat: "any", models: [], initial: 0,
  encodeSpawn: ({ prompt }) => Result.succeed({ args: [prompt] }),
  decodeEvent: (state) => [state, []],
  decodeFinal: () => ({ final: true, text: "" }),
})
const mill = createMill({
  cwd: ${JSON.stringify(folder)}, runsDir: ${JSON.stringify(runsDir)},
  config: { defaultDriver: "mine", drivers: { mine: processDriver({ command: "sleep", codec }) } },
})
const { runId } = await mill.submit({ program: "sleep.ts" })
for await (const { event } of mill.watch(runId)) if (event.type === "spawn:start") break
console.log(runId)
${end}
`
  test.each([
    ["exits", "process.exit(0)"],
    ["is killed", `process.kill(process.pid, "SIGKILL")`],
    ["gets SIGTERM", `process.kill(process.pid, "SIGTERM"); await new Promise(() => {})`],
  ])(
    "because it %s, its runs fail, and none of their processes are left",
    async (_what, end) => {
      const file = write(`script-${_what.replaceAll(" ", "-")}.ts`, script(end))
      const child = Bun.spawn([process.execPath, file], { cwd: folder, stdout: "pipe", stderr: "pipe" })
      const runId = (await new Response(child.stdout).text()).trim()
      expect(runId).toMatch(/^run_/)
      await child.exited
      await waitFor(
        "no process of the run",
        () => findProcesses(`MILL_RUN_ID=${runId}`).length === 0 || undefined,
      )
      const { stdout } = await command("status", runId, "--json")
      expect(JSON.parse(stdout)).toMatchObject({ status: "failed", spawns: { started: 1, error: 1 } })
      const events = readFileSync(join(runsDir, runId, "events.ndjson"), "utf8")
        .trim()
        .split("\n")
      expect(
        filterEvents(
          events.map((line) => JSON.parse(line)),
          "run:failed",
        ),
      ).toMatchObject([{ payload: { cause: "worker-lost" } }])
    },
    timeout,
  )
})

test(
  "an extension in a test kit's configuration object can use the test's variables",
  async () => {
    const { createTestMill } = await import("@mill/core/testing")
    const heard: Array<string> = []
    await using kit = await createTestMill({
      agents: () => "fine",
      config: { extensions: [{ name: "tell", api: { me: async (text) => heard.push(String(text)) } }] },
    })
    const { record } = await kit.run({
      source: `const { text } = await ${ask("?")}\nexport default await mill.tell.me(text)`,
    })
    expect(record.status).toBe("complete")
    expect(heard).toEqual(["fine"])
  },
  timeout,
)
