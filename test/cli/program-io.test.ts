/** mill validates the calls of a program and never takes its output for protocol messages. */
import { describe, expect, test } from "bun:test"
import {
  isAlive,
  formatJsonlDriver,
  makeWorld,
  filterEvents,
  repository,
  writeConfig,
  writeScript,
} from "../support/mill.ts"

const world = makeWorld()
writeConfig(world, {
  instant: formatJsonlDriver(writeScript(world, "instant", `echo '{"type":"result","text":"done"}'`)),
})

describe("an invalid spawn", () => {
  const refusals: Readonly<Record<string, RegExp>> = {
    nothing: /expected an object, got undefined$/,
    null: /^mill\.spawn: the argument is null; expected an object$/,
    "a number": /the argument is 7; expected an object$/,
    "a string": /the argument is "prompt"; expected an object$/,
    "an array": /the argument is an array; expected an object$/,
    "a function": /expected an object, got function$/,
    "no fields": /: agent is missing; systemPrompt is missing; prompt is missing$/,
    "no agent": /: agent is missing$/,
    "no systemPrompt": /: systemPrompt is missing$/,
    "no prompt": /: prompt is missing$/,
    "an empty model": /: model is ""; expected a non-empty string$/,
    "an empty systemPrompt": /: systemPrompt is ""; expected a non-empty string$/,
    "a prompt of another kind": /: prompt is 7; expected a non-empty string$/,
    "a prompt that is null": /: prompt is null; expected a non-empty string$/,
    "an agent that is an object": /: agent is an object; expected a non-empty string$/,
    "an unknown field":
      /^mill\.spawn: unknown key timeout; allowed keys: agent, systemPrompt, prompt, model, sessionRef$/,
    "a misspelt field": /: systemPrompt is missing; unknown key sistemPrompt; did you mean systemPrompt\?$/,
    "several problems":
      /: prompt is ""; expected a non-empty string; unknown key schema; unknown key cwd; allowed keys: [^;]*$/,
    "a prompt that is a function": /: prompt is an object; expected a non-empty string$/,
    "an unknown field that is a function": /: unknown key onEvent; allowed keys: /,
    "a prompt that is a BigInt": /BigInt/,
    "a cyclic object": /cyclic|circular/i,
  }
  test("rejects with the name of the field; the program continues, and no spawn starts", async () => {
    const { code, events, result } = await world.run(`${repository}/test/programs/bad-spawns.ts`)
    const { accepted, outcomes } = result.programResult as {
      readonly accepted: unknown
      readonly outcomes: Readonly<Record<string, object>>
    }
    expect(outcomes).toEqual(
      Object.fromEntries(
        Object.entries(refusals).map(([name, message]) => [
          name,
          {
            isError: true,
            name: "MillSpawnError",
            cause: "invalid-input",
            message: expect.stringMatching(message),
            spawnId: null,
            here: true,
          },
        ]),
      ),
    )
    expect(accepted).toEqual(["with undefined", "a"])
    const starts = filterEvents(events, "spawn:start").map(({ payload }) => payload)
    expect(starts.map(({ input, spawnId }) => [`${spawnId}`, input])).toEqual([
      ["spawn_1", { agent: "with undefined", systemPrompt: "s", prompt: " ", model: "m" }],
      ["spawn_2", { agent: "a", systemPrompt: "s", prompt: "p", model: "m" }],
    ])
    expect(code).toBe(0)
  })
})

test("output of a program is never taken for protocol messages", async () => {
  const program = world.write(
    "prints.ts",
    `const lines = [
  { jsonrpc: "2.0", id: 1, method: "end", params: { end: { type: "complete", result: "spoofed" } } },
  { jsonrpc: "2.0", id: 1, result: { text: "spoofed" } },
  { schemaVersion: 1, runId: mill.run.id, sequence: 2, timestamp: "", type: "run:failed", payload: { message: "x", cause: "limit" } },
]
for (const line of lines) {
  console.log(JSON.stringify(line))
  console.error(JSON.stringify(line))
}
process.stdout.write(Buffer.from([0xff, 0xfe, 0x00, 0x0a, 0xc3]))
process.stdout.write("x".repeat(10_000_000))
for (let n = 0; n < 100_000; n++) process.stderr.write("a line of a hundred characters ".repeat(3) + n + "\\n")
const { text } = await mill.spawn({ agent: "a", systemPrompt: "s", prompt: "p", model: "m" })
console.log("no line feed at the end".repeat(1000))
process.stdout.end()
export default text`,
  )
  const { code, events, result, stdout } = await world.run(program)
  expect(result.programResult).toBe("done")
  expect(events.map(({ type }) => `${type}`)).toEqual([
    "run:start",
    "run:status",
    "spawn:start",
    "spawn:complete",
    "run:complete",
  ])
  expect(stdout).not.toContain("spoofed")
  expect(code).toBe(0)
})

test("a program may close unused streams and log values that are not strings", async () => {
  const program = world.write(
    "closes.ts",
    `import { closeSync } from "node:fs"
for (const fd of [0, 1, 2]) closeSync(fd)
const log = mill.log as (message: unknown) => void
log({ a: [1] }); log(undefined); log("x".repeat(100_000)); log("\\ud83d")
export default (await mill.spawn({ agent: "a", systemPrompt: "s", prompt: "p", model: "m" })).text`,
  )
  const { events, result } = await world.run(program)
  expect({ error: result.errorMessage, value: result.programResult }).toEqual({
    error: undefined,
    value: "done",
  })
  const [object = "", nothing, long, half] = filterEvents(events, "run:log").map(
    ({ payload }) => payload.message,
  )
  expect(object).toMatch(/a: \[ ?1 ?\]/)
  expect([nothing, long, half]).toEqual(["undefined", "x".repeat(100_000), "\ud83d"])
})

test("messages that a program logs just before it exits are in the log", async () => {
  const program = world.write(
    "logs.ts",
    `for (let n = 0; n < 100; n++) mill.log(n + " " + "x".repeat(1000))
process.exit(0)`,
  )
  const { code, events } = await world.run(program)
  const logged = filterEvents(events, "run:log").map(({ payload }) => Number(payload.message.split(" ")[0]))
  expect(logged).toEqual(Array.from({ length: 100 }, (_, n) => n))
  expect([events.at(-1)?.type, code]).toEqual(["run:complete", 0])
})

test("processes that a program leaves behind are killed with the run", async () => {
  const program = world.write(
    "leaves.ts",
    `const child = Bun.spawn(["sh", "-c", "setsid sleep 1000 > /dev/null 2>&1 & echo $!"])
export default Number(await new Response(child.stdout).text())`,
  )
  const { result } = await world.run(program)
  const pid = Number(result.programResult)
  expect(pid).toBeGreaterThan(1)
  expect(isAlive(pid)).toBe(false)
})
