/** The model of a spawn: the program's, the driver's default, or the agent's own. The result has the one that was used. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { join } from "node:path"
import { canonicalProgram } from "../support/canonical-program.ts"
import { filterEvents, makeWorld, writeScript } from "../support/mill.ts"
import { type ModelServer, startModelServer } from "../support/model-server.ts"

const world = makeWorld()
let server: ModelServer

const escape = (line: object) => JSON.stringify(line).replaceAll("'", `'\\''`)
const printLines = (...lines: ReadonlyArray<object>) =>
  lines.map((line) => `printf '%s\\n' '${escape(line)}'`).join("\n")

/** Answers with its arguments and its standard input. */
const echoArguments = `cat >/dev/null\nprintf '%s ' "$@"`

beforeAll(async () => {
  server = await startModelServer()
  const jsonl = writeScript(
    world,
    "jsonl-agent",
    `read -r spawn\nprintf '{"type":"result","text":"%s"}\\n' "$(printf '%s' "$spawn" | tr '"' '~')"`,
  )
  const named = writeScript(world, "named", printLines({ type: "result", text: "done", model: "actual-1" }))
  const text = writeScript(world, "text", echoArguments)
  const claude = writeScript(
    world,
    "claude-agent",
    `cat >/dev/null
init='{"type":"system","subtype":"init","session_id":"s-1","model":"claude-actual"}'
printf '%s\\n' "$init"
printf '{"type":"result","subtype":"success","is_error":false,"session_id":"s-1","result":"%s"}\\n' "$*"`,
  )
  const pi = writeScript(
    world,
    "pi-agent",
    `cat >/dev/null
printf '%s\\n' '{"type":"session","id":"p-1"}' '{"type":"agent_start"}'
printf '{"type":"message_end","message":{"role":"assistant","content":[{"type":"text","text":"%s"}],"stopReason":"stop","provider":"acme","model":"pi-actual"}}\\n' "$*"
printf '%s\\n' '{"type":"agent_end"}' '{"type":"agent_settled"}'`,
  )
  const codex = writeScript(
    world,
    "codex-agent",
    `cat >/dev/null
printf '%s\\n' '{"type":"thread.started","thread_id":"c-1"}' '{"type":"turn.started"}'
printf '{"type":"item.completed","item":{"id":"item_0","type":"agent_message","text":"%s"}}\\n' "$(printf '%s' "$*" | tr -d '"')"
printf '%s\\n' '{"type":"turn.completed","usage":{"input_tokens":1,"output_tokens":1}}'`,
  )
  const command = (path: string, codec: string, more = "") =>
    `processDriver({ command: ${JSON.stringify(path)}, codec: ${codec}, ${more} })`
  const http = (codec: string, more = "") =>
    `httpDriver({ url: "${server.url}", codec: ${codec}(), ${more} })`
  const house = `defaultModel: "house"`
  world.write(
    "mill.config.ts",
    `import * as core from "@mill/core"
const { claudeCodec, codexCodec, defineConfig, httpDriver, jsonlCodec, piCodec, processDriver, textCodec } = core
const { anthropicMessagesCodec, chatCompletionsCodec, responsesCodec } = core
export default defineConfig({ defaultDriver: "jsonl", drivers: {
  jsonl: ${command(jsonl, "jsonlCodec()")},
  "jsonl-house": ${command(jsonl, "jsonlCodec()", house)},
  named: ${command(named, "jsonlCodec()", house)},
  text: ${command(text, `textCodec({ args: ["--m={model}"] })`)},
  "text-house": ${command(text, `textCodec({ args: ["--m={model}"] })`, house)},
  "text-free": ${command(text, `textCodec({ args: ["--free"] })`)},
  claude: ${command(claude, "claudeCodec()")},
  "claude-house": ${command(claude, "claudeCodec()", house)},
  pi: ${command(pi, "piCodec()")},
  "pi-house": ${command(pi, "piCodec()", house)},
  codex: ${command(codex, "codexCodec()")},
  "codex-house": ${command(codex, "codexCodec()", house)},
  messages: ${http("anthropicMessagesCodec")},
  "messages-house": ${http("anthropicMessagesCodec", house)},
  chat: ${http("chatCompletionsCodec")},
  "chat-house": ${http("chatCompletionsCodec", house)},
  "responses-house": ${http("responsesCodec", house)},
} })\n`,
  )
})
afterAll(() => server.close())

let count = 0
const spawnWith = async (driver: string, fields: object = {}) => {
  count += 1
  const input = { agent: "a", systemPrompt: "S", prompt: `p${count}`, ...fields }
  const program = world.write(
    `one-${count}.ts`,
    `export default await mill.spawn(${JSON.stringify(input)}).catch(({ cause, message }) => ({ cause, message }))`,
  )
  const ended = await world.run(program, ["--driver", driver])
  const [start] = filterEvents(ended.events, "spawn:start")
  const [spawn] = ended.result.spawns
  return { ...ended, input, start: start?.payload, spawn }
}

/** Reads the spawn that the agent of the driver `jsonl` answers, with tildes for its quotes. */
const readEcho = (text = ""): unknown => JSON.parse(text.replaceAll("~", '"'))

describe("without a model", () => {
  test.concurrent("an agent gets none, and a result without one has `default`", async () => {
    const { events, input, record, spawn, start } = await spawnWith("jsonl")
    expect(readEcho(spawn?.text)).toEqual({ type: "spawn", ...input })
    expect(start).toMatchObject({ input, driver: "jsonl" })
    expect(start).not.toHaveProperty("defaultModel")
    expect(spawn?.model).toBe("default")
    expect(filterEvents(events, "spawn:complete")[0]?.payload.result.model).toBe("default")
    const { stdout } = await world.mill(["status", record.id])
    expect(stdout).toMatch(/#1 +a +default /)
  })

  test.concurrent("an agent gets the driver's default, which is not part of the key", async () => {
    const prompt = "the same prompt"
    const [own, house] = await Promise.all([
      spawnWith("jsonl", { prompt }),
      spawnWith("jsonl-house", { prompt }),
    ])
    expect(readEcho(house.spawn?.text)).toEqual({ type: "spawn", ...house.input, model: "house" })
    expect(house.start).toMatchObject({ input: house.input, defaultModel: "house" })
    expect(house.start?.input).not.toHaveProperty("model")
    expect(house.spawn?.model).toBe("house")
    expect(house.start?.key).toBe(own.start?.key ?? "")
    expect(house.record.planId).not.toBe(own.record.planId)
  })

  test.concurrent.each<[string, ReadonlyArray<string>, string]>([
    ["claude", [], "claude-actual"],
    ["claude-house", ["--model=house"], "claude-actual"],
    ["pi", [], "acme/pi-actual"],
    ["pi-house", ["--model house"], "acme/pi-actual"],
    ["codex", [], "default"],
    ["codex-house", ["--model=house"], "house"],
  ])("%s is called with %p, and the result has the model that it used", async (driver, args, model) => {
    const { spawn } = await spawnWith(driver)
    expect(spawn?.status).toBe("complete")
    expect(spawn?.text.match(/--model[= ]\S+/g)?.map(String) ?? []).toEqual([...args])
    expect(spawn?.model).toBe(model)
  })

  test.concurrent.each<[string, ReadonlyArray<string>]>([
    ["claude-house", []],
    ["pi-house", []],
    ["codex-house", ["--model=house"]],
  ])("%s resumes a conversation with %p", async (driver, args) => {
    const { spawn } = await spawnWith(driver, { sessionRef: "abc-1" })
    expect(spawn?.text).toContain("abc-1")
    expect(spawn?.text.match(/--model[= ]\S+/g)?.map(String) ?? []).toEqual([...args])
  })

  test.concurrent("a command that takes the model as an argument needs one", async () => {
    const [refused, house, free] = await Promise.all([
      spawnWith("text"),
      spawnWith("text-house"),
      spawnWith("text-free"),
    ])
    expect(refused.result.programResult).toEqual({
      cause: "codec",
      message: "model is missing; name one in mill.spawn, or set the driver's defaultModel",
    })
    expect(house.spawn?.text).toContain("--m=house")
    expect(free.spawn).toMatchObject({ status: "complete", model: "default" })
  })
})

test.concurrent("the model that an agent reports replaces the one that it was asked for", async () => {
  const { record, spawn } = await spawnWith("named", { model: "alias" })
  expect(spawn?.model).toBe("actual-1")
  const { stdout } = await world.mill(["watch", "--run", record.id, "--json"])
  expect(stdout).toMatch(/"spawn:complete".*"model":"actual-1"/)
  const claude = await spawnWith("claude", { model: "sonnet" })
  expect(claude.spawn).toMatchObject({
    text: expect.stringContaining("--model=sonnet"),
    model: "claude-actual",
  })
})

describe("an HTTP API", () => {
  test.concurrent("needs a model: the spawn is rejected, and nothing is sent", async () => {
    const { result } = await spawnWith("messages", { prompt: "never sent" })
    expect(result.programResult).toEqual({
      cause: "codec",
      message:
        "model is missing, and driver messages has no defaultModel; name a model in mill.spawn, or set defaultModel in the driver's configuration",
    })
    expect((await server.listRequests()).filter(({ prompt }) => prompt === "never sent")).toEqual([])
  })

  test.concurrent.each(["messages-house", "chat-house", "responses-house"])(
    "is asked for the default model (%s)",
    async (driver) => {
      const prompt = `from ${driver}`
      const { spawn } = await spawnWith(driver, { prompt })
      expect(await server.waitForRequest((request) => request.prompt === prompt)).toMatchObject({
        model: "house",
      })
      expect(spawn).toMatchObject({ status: "complete", model: "house" })
    },
  )

  test.concurrent("continues a conversation with its model, and one of another driver with its own", async () => {
    const first = await spawnWith("messages", { model: "first" })
    const sessionRef = first.spawn?.sessionRef
    const second = await spawnWith("messages", { sessionRef })
    expect(second.spawn).toMatchObject({ status: "complete", model: "first" })
    const third = await spawnWith("chat-house", { sessionRef })
    expect(third.spawn).toMatchObject({ status: "complete", model: "house" })
    const fourth = await spawnWith("chat", { sessionRef })
    expect(fourth.result.programResult).toMatchObject({ message: expect.stringMatching(/^model is missing/) })
  })

  test.concurrent("without a default model makes --dry-run report spawns that name none", async () => {
    const spawn = (more: string) =>
      `await mill.spawn({ agent: "a", systemPrompt: "s", prompt: "p"${more} })\n`
    world.write("no-model.ts", spawn("") + spawn(`, model: "m"`) + spawn(`, sessionRef: "x"`))
    const dryRun = (driver: string) =>
      world.mill(["run", "no-model.ts", "--dry-run", "--json", "--driver", driver])
    const [plain, house] = await Promise.all([dryRun("messages"), dryRun("messages-house")])
    expect(plain.code).toBe(2)
    expect(JSON.parse(plain.stdout).problems).toEqual([
      {
        location: `${join(world.dir, "no-model.ts")}:1:7`,
        message: "mill.spawn: model is missing, and driver messages has no defaultModel",
      },
    ])
    expect(house.code).toBe(0)
    expect(JSON.parse(house.stdout).driver).toMatchObject({ defaultModel: "house" })
  })
})

test.concurrent("the specification's program runs verbatim", async () => {
  const { code, events, result } = await world.run(world.write("canonical.ts", canonicalProgram), [
    "--driver",
    "offline",
  ])
  expect(code).toBe(0)
  expect(result.spawns).toMatchObject([
    { agent: "scout", status: "complete", model: "openai/gpt-5.3-codex" },
    { agent: "synth", status: "complete", model: "offline" },
  ])
  const [, synth] = filterEvents(events, "spawn:complete")
  expect(synth?.payload.result.text).toStartWith(
    "This is synth, rehearsing offline: no model was called. Task: ",
  )
  const { code: checked } = await world.mill(["run", "canonical.ts", "--driver", "offline", "--dry-run"])
  expect(checked).toBe(0)
})

test.concurrent("an empty model or default model is refused", async () => {
  expect((await spawnWith("jsonl", { model: "" })).result.programResult).toMatchObject({
    cause: "invalid-input",
    message: `mill.spawn: model is ""; expected a non-empty string`,
  })
  world.write(
    "empty/mill.config.ts",
    `import { claudeCodec, defineConfig, processDriver } from "@mill/core"
export default defineConfig({ drivers: { mine: processDriver({ command: "x", codec: claudeCodec(), defaultModel: "" }) } })`,
  )
  const { code, stdout } = await world.mill(["run", "../canonical.ts", "--json"], {
    cwd: join(world.dir, "empty"),
  })
  expect(code).toBe(2)
  expect(JSON.parse(stdout).error).toMatchObject({
    _tag: "ConfigError",
    key: "drivers.mine.defaultModel",
    message: expect.stringMatching(/drivers\.mine\.defaultModel is ""; expected a non-empty string$/),
  })
})

test.concurrent("discovery shows the default model of a driver", async () => {
  const { stdout } = await world.mill(["--help", "--json"])
  const { drivers, programApi } = JSON.parse(stdout)
  expect(drivers["jsonl-house"].defaultModel).toBe("house")
  expect(drivers.jsonl).not.toHaveProperty("defaultModel")
  expect(programApi.spawnOptional).toContain("model")
})
