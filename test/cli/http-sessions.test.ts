/** Resumed conversations: in the same run, in another one, with another API; and references to none. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { makeWorld, filterEvents, writeConfig } from "../support/mill.ts"
import { type ModelServer, startModelServer } from "../support/model-server.ts"

const world = makeWorld()
let server: ModelServer
beforeAll(async () => {
  server = await startModelServer()
  const driver = (codec: string) => `httpDriver({ url: "${server.url}", codec: ${codec}() })`
  world.write(
    "mill.config.ts",
    `import { anthropicMessagesCodec, chatCompletionsCodec, defineConfig, httpDriver, responsesCodec } from "@mill/core"
export default defineConfig({ defaultDriver: "messages", drivers: {
  messages: ${driver("anthropicMessagesCodec")},
  chat: ${driver("chatCompletionsCodec")},
  responses: ${driver("responsesCodec")},
} })\n`,
  )
})
afterAll(() => server.close())

const spawn = (fields: object) =>
  `await mill.spawn(${JSON.stringify({ agent: "a", systemPrompt: "S", prompt: "p", model: "m", ...fields })})`

/** Runs one spawn in its own run. */
const runSpawn = async (fields: object, driver = "messages") => {
  const { events, record, result } = await world.run(
    world.write(`one.ts`, `export default ${spawn(fields)}.catch((error) => error.message)`),
    ["--driver", driver],
  )
  return { events, record, spawn: result.spawns[0], sessionRef: result.spawns[0]?.sessionRef ?? "" }
}
const waitForPrompt = (prompt: string) => server.waitForRequest((request) => request.prompt === prompt)

describe("a conversation", () => {
  test("is resumed across runs and APIs, with the new system prompt, and from any of its answers", async () => {
    const first = await runSpawn({ prompt: "one", systemPrompt: "First." })
    const second = await runSpawn(
      { prompt: "two", systemPrompt: "Second.", sessionRef: first.sessionRef },
      "chat",
    )
    const third = await runSpawn({ prompt: "three", sessionRef: second.sessionRef }, "responses")
    await runSpawn({ prompt: "again", sessionRef: first.sessionRef })
    // Each answer has its own usage, however long the conversation is.
    for (const [prompt, { spawn: answered }] of Object.entries({ one: first, two: second, three: third })) {
      expect(answered?.usage).toMatchObject((await waitForPrompt(prompt)).usage ?? {})
    }
    const start = ["user: one", "agent: ECHO: one"]
    expect(await waitForPrompt("two")).toMatchObject({ api: "chat", system: "Second.", history: start })
    expect(await waitForPrompt("three")).toMatchObject({
      api: "responses",
      history: [...start, "user: two", "agent: ECHO: two"],
    })
    expect(await waitForPrompt("again")).toMatchObject({ api: "messages", history: start })
    expect(third.sessionRef).toBe(`${third.record.id}/spawn_1`)
    const [started] = filterEvents(second.events, "spawn:start")
    expect(started?.payload.input.sessionRef).toBe(first.sessionRef)
    const file = join(first.record.paths.runDir, "sessions/spawn_1.json")
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual({
      version: 1,
      driver: "messages",
      model: "m",
      messages: [
        { role: "user", content: "one" },
        { role: "assistant", content: "ECHO: one" },
      ],
    })
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(statSync(join(file, "..")).mode & 0o777).toBe(0o700)
  })

  test("is part of the key of the spawn", async () => {
    const first = await runSpawn({ prompt: "key" })
    const [a] = filterEvents((await runSpawn({ prompt: "key again" })).events, "spawn:start")
    const [b] = filterEvents(
      (await runSpawn({ prompt: "key again", sessionRef: first.sessionRef })).events,
      "spawn:start",
    )
    expect(a?.payload.key).not.toBe(b?.payload.key)
  })

  test("that has failed is not stored", async () => {
    const { record, spawn: failed } = await runSpawn({ prompt: "[error 400]" })
    expect(failed).toMatchObject({ status: "error" })
    expect(failed?.sessionRef).toBe(`${record.id}/spawn_1`)
    expect(existsSync(join(record.paths.runDir, "sessions"))).toBe(false)
    const after = await runSpawn({ prompt: "after a failure", sessionRef: `${record.id}/spawn_1` })
    expect(after.spawn?.errorMessage).toMatch(/^sessionRef: session "run_\w+\/spawn_1" does not exist/)
  })
})

describe("a sessionRef", () => {
  test("to no conversation is refused, and no request is sent", async () => {
    const damaged = await runSpawn({ prompt: "to be damaged" })
    writeFileSync(
      join(damaged.record.paths.runDir, "sessions/spawn_1.json"),
      '{"version":1,"messages":[{"role":1',
    )
    const refusals = {
      "../../etc/passwd": /is not the name of an HTTP driver's session/,
      "run_x/../../spawn_1": /is not the name of an HTTP driver's session/,
      "../spawn_1": /is not the name of an HTTP driver's session/,
      "run_x/spawn_1/x": /is not the name of an HTTP driver's session/,
      "0198-uuid": /is not the name of an HTTP driver's session/,
      "run_x/spawn_1": /session "run_x\/spawn_1" does not exist/,
      [damaged.sessionRef]: /the file is damaged/,
    }
    const program = world.write(
      "refused.ts",
      `export default await Promise.all(${JSON.stringify(Object.keys(refusals))}.map((sessionRef) =>
  mill.spawn({ agent: "a", systemPrompt: "S", prompt: "never asked", model: "m", sessionRef }).catch((error) => error)
    .then(({ cause, message }) => ({ cause, message }))))`,
    )
    const { result } = await world.run(program)
    expect(result.programResult).toEqual(
      Object.values(refusals).map((message) => ({ cause: "codec", message: expect.stringMatching(message) })),
    )
    expect((await server.listRequests()).filter(({ prompt }) => prompt === "never asked")).toEqual([])
  })

  test("must be a non-empty string", async () => {
    const program = world.write(
      "bad.ts",
      `export default await Promise.all(["", 5, undefined].map((sessionRef) =>
  mill.spawn({ agent: "a", systemPrompt: "S", prompt: "p", model: "m", sessionRef }).then(() => "fine", (error) => error.message)))`,
    )
    expect((await world.run(program)).result.programResult).toEqual([
      'mill.spawn: sessionRef is ""; expected a non-empty string',
      "mill.spawn: sessionRef is 5; expected a non-empty string",
      "fine",
    ])
  })

  test("is passed to a jsonl agent, and refused for a text agent", async () => {
    const text = `processDriver({ command: "cat", codec: textCodec() })`
    writeConfig(world, { text }, "text/mill.config.ts")
    const program = world.write(
      "text.ts",
      `export default ${spawn({ sessionRef: "s" })}.catch((e) => e.message)`,
    )
    const ended = await world.run(program, [], { cwd: join(world.dir, "text") })
    expect(ended.result.programResult).toBe("sessionRef: driver text cannot resume sessions (codec text)")
    expect((await world.run(program, ["--driver", "offline"])).result.spawns[0]?.status).toBe("complete")
  })
})
