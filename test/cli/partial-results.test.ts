/** Spawns without an answer: what is known about them while they run, and after they are cancelled or lost. */
import { afterAll, expect, test } from "bun:test"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import type { RunResult } from "../../src/domain/run.schema.ts"
import {
  filterEvents,
  formatJsonlDriver,
  makeWorld,
  waitFor,
  writeConfig,
  writeScript,
} from "../support/mill.ts"

const world = makeWorld()

/** The agents print a part of an answer and a last event. */
const begun = `echo '{"type":"session","sessionRef":"abc"}'
echo '{"type":"text","text":"half an "}'
echo 'not ready' >&2
echo '{"type":"tool_call","toolName":"read","input":"notes.md"}'`
const agents = {
  "dies at once": "exec sleep 300",
  "answers at SIGTERM": `trap 'echo "{\\"type\\":\\"text\\",\\"text\\":\\"answer\\"}"; echo "{\\"type\\":\\"result\\",\\"usage\\":{\\"inputTokens\\":7,\\"outputTokens\\":2}}"; exit 0' TERM
while true; do sleep 0.01; done`,
}
const half = `data: {"choices":[{"index":0,"delta":{"content":"half an "}}]}\n\n`
const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  idleTimeout: 0,
  fetch: ({ signal }) =>
    new Response(
      new ReadableStream({
        start: async (controller) => {
          // Repeatedly, so that a later reader sees some of it.
          while (!signal.aborted) {
            controller.enqueue(new TextEncoder().encode(half))
            await Bun.sleep(50)
          }
        },
      }),
      { headers: { "content-type": "text/event-stream" } },
    ),
})
afterAll(() => server.stop(true))

writeConfig(
  world,
  Object.fromEntries(
    Object.entries(agents).map(([name, source]) => [
      name,
      formatJsonlDriver(
        writeScript(world, name.replaceAll(" ", "-"), `${begun}\n${source}`),
        "cancelGrace: 5",
      ),
    ]),
  ),
)
world.write(
  "http/mill.config.ts",
  `import { chatCompletionsCodec, defineConfig, httpDriver } from "@mill/core"
const driver = (timeout) => httpDriver({ url: "${server.url}", codec: chatCompletionsCodec(), timeout })
export default defineConfig({ defaultDriver: "stalls", drivers: { stalls: driver(), "gives up": driver(1) } })\n`,
)
world.write(
  "spawn.ts",
  `export default await mill.spawn({ agent: "a", systemPrompt: "s", prompt: "p", model: "m" }).catch(({ result }) => result)`,
)

/** Starts a run and waits until its spawn has got as far as `what`. */
const begin = async (driver: string, what = "spawn:tool_call", cwd = world.dir) => {
  const { stdout } = await world.mill(["run", join(world.dir, "spawn.ts"), "--json", "--driver", driver], {
    cwd,
  })
  const runId = String(JSON.parse(stdout).runId)
  await waitFor(`${what} in the log`, () => readLog(runId).includes(`"${what}"`))
  return runId
}
const readLog = (runId: string): string => {
  try {
    return readFileSync(join(world.runsDir, runId, "events.ndjson"), "utf8")
  } catch {
    return ""
  }
}
const readResult = (runId: string): RunResult =>
  JSON.parse(readFileSync(join(world.runsDir, runId, "result.json"), "utf8"))
const readSpawnFile = (runId: string) =>
  JSON.parse(readFileSync(join(world.runsDir, runId, "spawns/spawn_1.json"), "utf8"))

test("status shows how long a spawn has been running, and what it is doing", async () => {
  const runId = await begin("dies at once")
  const { stdout } = await world.mill(["status", runId])
  expect(stdout).toMatch(/^ running for +\d/m)
  expect(stdout).toMatch(/^ ● +#1 +a +m +(?!0 ms)\d[\d.]* m?s +read notes\.md$/m)
  // A stored record has no time that goes stale.
  expect(world.readRecord(runId)).not.toHaveProperty("durationMs")
  await world.mill(["cancel", runId])
  expect((await world.mill(["status", runId])).stdout).toMatch(/^ elapsed +\d/m)
})

test.each([
  ["dies at once", { text: "half an ", sessionRef: "abc", exitCode: null, stderr: "not ready\n" }],
  [
    "answers at SIGTERM",
    { text: "half an answer", sessionRef: "abc", exitCode: null, usage: { inputTokens: 7, outputTokens: 2 } },
  ],
])("a cancelled spawn whose agent %s keeps what is known about it", async (driver, known) => {
  const runId = await begin(driver)
  await world.mill(["cancel", runId])
  const [cancelled] = filterEvents(world.readEvents(runId), "spawn:cancelled")
  expect(cancelled?.payload.result).toMatchObject(known)
  const { spawns, usage } = readResult(runId)
  expect(spawns).toMatchObject([{ status: "cancelled", ...known }])
  expect(spawns[0]).not.toHaveProperty("activity")
  expect(usage).toEqual("usage" in known ? known.usage : undefined)
  await waitFor("the outcome in the spawn's file", () => readSpawnFile(runId).outcome !== undefined)
  expect(readSpawnFile(runId).outcome.payload.result).toMatchObject(known)
})

test("a spawn whose worker was killed has a session and an exit code in every record", async () => {
  const runId = await begin("dies at once")
  await waitFor("the spawn's file", () => existsSync(join(world.runsDir, runId, "spawns/spawn_1.json")))
  process.kill(JSON.parse(readFileSync(join(world.runsDir, runId, "owner.1"), "utf8")).pid, "SIGKILL")
  await world.mill(["wait", runId])
  const known = { sessionRef: `${runId}/spawn_1`, exitCode: null, text: "", agent: "a", model: "m" }
  const [lost] = filterEvents(world.readEvents(runId), "spawn:error")
  expect(lost?.payload).toMatchObject({ cause: "worker-lost", result: known })
  expect(readResult(runId).spawns).toMatchObject([known])
  expect(readSpawnFile(runId)).toMatchObject({ process: {}, outcome: { payload: { result: known } } })
})

test("a spawn over HTTP that is cancelled or times out keeps the text so far", async () => {
  const cwd = join(world.dir, "http")
  const runId = await begin("stalls", "spawn:start", cwd)
  const io = world.start(["watch", "--run", runId, "--channel", "io", "--json"])
  for await (const _ of io.stdout) break
  const text = expect.stringMatching(/^(half an )+$/)
  const cancelled = { text, exitCode: null, sessionRef: `${runId}/spawn_1` }
  await world.mill(["cancel", runId])
  await io.exited
  expect(filterEvents(world.readEvents(runId), "spawn:cancelled")[0]?.payload.result).toMatchObject(cancelled)

  const late = await world.run("../spawn.ts", ["--driver", "gives up"], { cwd })
  expect(filterEvents(late.events, "spawn:error")).toMatchObject([
    { payload: { cause: "timeout", result: { text, exitCode: null } } },
  ])
  // The program gets no null, and no name for a conversation that cannot be continued.
  expect(late.result.programResult).toMatchObject({ text })
  expect(Object.keys(Object(late.result.programResult))).not.toContainAnyValues(["exitCode", "sessionRef"])
})
