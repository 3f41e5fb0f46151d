/** Spawns of HTTP drivers, seen from outside: with a real server process, the real command line and the files left. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { readdirSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import type { SubmittedRun } from "../../src/domain/run.schema.ts"
import { waitFor, makeWorld, filterEvents } from "../support/mill.ts"
import { type ModelServer, startModelServer } from "../support/model-server.ts"

const world = makeWorld()
const key = "sk-0123456789-a-secret"
const codecs = {
  anthropicMessagesCodec: { api: "messages", stop: "end_turn", length: "max_tokens", cacheWriteTokens: 0 },
  chatCompletionsCodec: { api: "chat", stop: "stop", length: "length" },
  responsesCodec: { api: "responses", stop: undefined, length: "max_output_tokens" },
} as const
const names = ["anthropicMessagesCodec", "chatCompletionsCodec", "responsesCodec"] as const

let server: ModelServer
beforeAll(async () => {
  server = await startModelServer()
  for (const codec of names) configure(codec, codec)
})
afterAll(() => server.close())

/** Writes a configuration into the folder `name` of the world. */
const configure = (name: string, codec: string, more = "", options = "", url = server.url) =>
  world.write(
    `${name}/mill.config.ts`,
    `import { ${codec}, defineConfig, httpDriver } from "@mill/core"
export default defineConfig({ defaultDriver: "api", drivers: {
  api: httpDriver({ url: ${JSON.stringify(url)}, codec: ${codec}(${options}), apiKey: { env: "THE_KEY" }, ${more} }),
} })\n`,
  )
const makeOptions = (name: string) => ({ cwd: join(world.dir, name), env: { THE_KEY: key } })

let programs = 0
const formatProgram = (prompts: ReadonlyArray<string>) =>
  world.write(
    `asks-${programs++}.ts`,
    `const failed = ({ cause, message, result }) => ({ failed: cause, message, ...result })
export default await Promise.all(${JSON.stringify(prompts)}.map((prompt) =>
  mill.spawn({ agent: "a", systemPrompt: "  Be exact.\\n", prompt, model: "some/model:1" }).catch(failed)))\n`,
  )

/** Runs concurrent spawns with these prompts; returns their outcomes and the run. */
const ask = async (folder: string, ...prompts: ReadonlyArray<string>) => {
  const ended = await world.run(formatProgram(prompts), [], makeOptions(folder))
  return { ...ended, spawns: ended.result.spawns, milestones: filterEvents(ended.events, "spawn:milestone") }
}

const listFiles = (folder: string): ReadonlyArray<string> =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))

for (const codec of names) {
  const { api, length, stop, ...cache } = codecs[codec]
  describe(codec, () => {
    test("returns the answer, the usage without cached tokens, the stop reason and mill's own session", async () => {
      const prompt = `  ${api}: "quotes"\n漢字 👩‍💻 \u2028 done`
      const { record, spawns } = await ask(
        codec,
        prompt,
        `${api} [stop length] [say cut]`,
        `${api} [long 64]`,
      )
      const usage = { inputTokens: 120, cacheReadTokens: 30, ...cache }
      const common = { status: "complete", exitCode: 0, driver: "api", model: "some/model:1" }
      expect(spawns).toMatchObject([
        { ...common, text: `ECHO: ${prompt.trim()}`, sessionRef: `${record.id}/spawn_1`, usage },
        { ...common, text: "cut", stopReason: length, usage },
        { ...common, usage },
      ])
      expect(spawns[0]?.stopReason).toBe(stop)
      expect(spawns[2]?.text).toHaveLength(64 * 1024)
      expect(Object.keys(spawns[0]?.usage ?? {}).toSorted()).toEqual(
        ["inputTokens", "outputTokens", ...Object.keys({ cacheReadTokens: 30, ...cache })].toSorted(),
      )
      const heard = await server.waitForRequest((request) => request.prompt === prompt.trim())
      expect(heard).toMatchObject({
        api,
        model: "some/model:1",
        system: "  Be exact.\n",
        apiKey: key,
        tools: [],
      })
    })

    test("reports the server's error message once, and does not retry", async () => {
      const { spawns } = await ask(codec, `${api} [error 401]`, `${api} [error 500]`)
      expect(spawns.map(({ errorMessage }) => errorMessage)).toEqual([
        "HTTP 401: scripted error 401 (authentication_error)",
        "HTTP 500: scripted error 500 (api_error)",
      ])
      for (const spawn of spawns) {
        expect(spawn).toMatchObject({ status: "error", text: "", exitCode: null })
      }
      const heard = (await server.listRequests()).filter(({ prompt }) => prompt === `${api} [error 401]`)
      expect(heard).toHaveLength(1)
    })

    test("fails when the connection breaks", async () => {
      const { events } = await ask(codec, `${api} [cut] one two three`)
      expect(filterEvents(events, "spawn:complete")).toEqual([])
      expect(filterEvents(events, "spawn:error")).toMatchObject(
        [{ payload: { cause: "agent-error", message: /connection was lost|closed the connection/ } }].map(
          ({ payload }) => ({ payload: { ...payload, message: expect.stringMatching(payload.message) } }),
        ),
      )
    })

    test("waits as long as a busy server asks, reports it, and retries", async () => {
      const { milestones, spawns } = await ask(codec, `${api} [error 429 x2] [retry-after 0.2] [say there]`)
      expect(spawns).toMatchObject([{ status: "complete", text: "there" }])
      expect(milestones.map(({ payload }) => payload.message)).toEqual([
        "rate limited (HTTP 429): retrying in 0.2 s (retry 1 of 3)",
        "rate limited (HTTP 429): retrying in 0.2 s (retry 2 of 3)",
      ])
    })

    test("closes the connection when the run is cancelled", async () => {
      const prompt = `${api} [hang] to be cancelled`
      const submitted: SubmittedRun = JSON.parse(
        (await world.mill(["run", "--json", formatProgram([prompt])], makeOptions(codec))).stdout,
      )
      await server.waitForRequest((request) => request.prompt === prompt)
      expect((await world.mill(["cancel", submitted.runId])).code).toBe(0)
      await waitFor("the server to notice the disconnect", async () =>
        (await server.listRequests()).some(
          (request) => request.prompt === prompt && request.state === "broken",
        ),
      )
      expect(filterEvents(world.readEvents(submitted.runId), "spawn:cancelled")).toHaveLength(1)
    })
  })
}

describe("a busy server", () => {
  test("gets maxRetries retries, and then the spawn fails", async () => {
    configure("impatient", "chatCompletionsCodec", "maxRetries: 1")
    const { milestones, spawns } = await ask("impatient", "[error 529] [retry-after 0] always busy")
    expect(spawns).toMatchObject([
      {
        status: "error",
        errorMessage: expect.stringMatching(/^HTTP 529: scripted error 529 \(overloaded_error\)/),
      },
    ])
    expect(milestones).toHaveLength(1)
    const heard = (await server.listRequests()).filter(({ prompt }) => prompt.includes("always busy"))
    expect(heard).toHaveLength(2)
  })

  test("that asks for a wait of more than two minutes gets no retry", async () => {
    const date = new Date(Date.now() + 3_600_000).toUTCString()
    const { milestones, spawns } = await ask(
      "responsesCodec",
      "[error 503] [retry-after 3600] long",
      `[error 503] [retry-after ${date}] long too`,
      `[error 503] [retry-after ${"9".repeat(400)}] forever`,
    )
    expect(milestones).toEqual([])
    expect(spawns.map(({ status }) => status)).toEqual(["error", "error", "error"])
    for (const { errorMessage } of spawns)
      expect(errorMessage).toMatch(/\(retry after (?:1h|59m|more than a year\)$)/)
  })
})

test("a hundred spawns run concurrently", async () => {
  const prompts = Array.from({ length: 100 }, (_, n) => `[delay 200] number ${n}`)
  const { spawns } = await ask("anthropicMessagesCodec", ...prompts)
  expect(spawns.map(({ text }) => text)).toEqual(prompts.map((prompt) => `ECHO: ${prompt}`))
})

test("a silent server fails the spawn after the driver's timeout", async () => {
  configure("timeout", "responsesCodec", "timeout: 0.5")
  const { events } = await ask("timeout", "[hang] and nothing more")
  expect(filterEvents(events, "spawn:error")).toMatchObject([
    { payload: { cause: "timeout", message: "driver api: the answer was not complete within 0.5 s" } },
  ])
  await waitFor("the server to notice the disconnect", async () =>
    (await server.listRequests()).some(
      ({ prompt, state }) => prompt.startsWith("[hang] and") && state === "broken",
    ),
  )
})

test("an unreachable server is named by its address", async () => {
  configure("nowhere", "chatCompletionsCodec", "", "", "http://127.0.0.1:9")
  const { events } = await ask("nowhere", "hello?")
  expect(filterEvents(events, "spawn:error")).toMatchObject([
    {
      payload: {
        cause: "not-found",
        message: expect.stringMatching(
          /^driver api: cannot reach http:\/\/127\.0\.0\.1:9\/v1\/chat\/completions: /,
        ),
      },
    },
  ])
})

describe("a key", () => {
  test("that is not set is an error that names it, before anything starts", async () => {
    const before = readdirSync(world.runsDir).length
    for (const more of [[], ["--dry-run"]]) {
      const { code, stdout } = await world.mill(["run", "--json", formatProgram(["never"]), ...more], {
        cwd: join(world.dir, "responsesCodec"),
        env: { THE_KEY: undefined },
      })
      expect(code).toBe(2)
      expect(JSON.parse(stdout).error).toMatchObject({
        _tag: "ConfigError",
        key: "drivers.api",
        message: expect.stringContaining("the environment variable THE_KEY is not set"),
      })
    }
    expect(readdirSync(world.runsDir)).toHaveLength(before)
  })

  test("is named in the plan, and its value is neither on disk nor in any output", async () => {
    configure("secret", "responsesCodec", `headers: { "x-team": "blue", "x-other": { env: "OTHER_KEY" } }`)
    const options = {
      cwd: join(world.dir, "secret"),
      env: { THE_KEY: key, OTHER_KEY: `${key}-other`, MILL_DEBUG: "1" },
    }
    const file = formatProgram(["[error 401] x", "fine", "[cut] y", "[error 429 x1] [retry-after 0] z"])
    const shown = [
      await world.mill(["run", "--dry-run", file], options),
      await world.mill(["run", "--dry-run", "--json", file], options),
    ]
    const { record, ...ended } = await world.run(file, [], options)
    const plan = JSON.parse(readFileSync(record.paths.planFile, "utf8"))
    expect(plan.driver).toMatchObject({
      type: "http",
      url: `${server.url}/v1/responses`,
      headers: ["x-team"],
      keys: [
        { header: "authorization", env: "THE_KEY" },
        { header: "x-other", env: "OTHER_KEY" },
      ],
    })
    expect(JSON.stringify(plan)).not.toContain("blue")
    const files = listFiles(record.paths.runDir)
    expect(files.some((path) => path.endsWith("sessions/spawn_2.json"))).toBe(true)
    for (const path of files) {
      expect(readFileSync(path, "utf8"), path).not.toContain(key)
      expect(statSync(path).mode & 0o077, path).toBe(0)
    }
    for (const { stderr, stdout } of [...shown, ended]) expect(stdout + stderr).not.toContain(key)
  })
})
