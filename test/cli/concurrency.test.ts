import { afterAll, expect, test } from "bun:test"
import { closeSync, constants, mkdirSync, openSync, readdirSync, writeSync } from "node:fs"
import { join } from "node:path"
import {
  waitFor,
  formatJsonlDriver,
  makeWorld,
  filterEvents,
  writeConfig,
  writeScript,
} from "../support/mill.ts"

const world = makeWorld()
const announced = join(world.dir, "announced")
const gate = join(world.dir, "gate")
mkdirSync(announced)
Bun.spawnSync(["mkfifo", gate])
const gateFile = openSync(gate, constants.O_RDWR)
afterAll(() => closeSync(gateFile))

/** An agent that reports its start, and answers after reading a line from the gate: one line for each agent. */
const gated = writeScript(
  world,
  "gated",
  `: > "${announced}/$MILL_SPAWN_ID"
read -r _ < "${gate}"
echo '{"type":"result","text":"'"$MILL_SPAWN_ID"'"}'`,
)
const instant = writeScript(world, "instant", `echo '{"type":"result","text":"'"$MILL_SPAWN_ID"'"}'`)
writeConfig(world, { gated: formatJsonlDriver(gated), instant: formatJsonlDriver(instant) })

const spawn = (n: string) =>
  `mill.spawn({ agent: "agent " + ${n}, systemPrompt: "s", prompt: "p", model: "m" })`

test("a hundred spawns run concurrently", async () => {
  const program = world.write(
    "together.ts",
    `const spawns = Array.from({ length: 100 }, (_, n) => ${spawn("n")})
    export default (await Promise.all(spawns)).map(({ text }) => text)`,
  )
  const running = world.run(program)
  await waitFor("all 100 agents to start", () => readdirSync(announced).length === 100)
  writeSync(gateFile, "\n".repeat(100))
  const { code, events, record, result } = await running

  const ids = Array.from({ length: 100 }, (_, n) => `spawn_${n + 1}`)
  const starts = filterEvents(events, "spawn:start")
  const agentNames = new Map(starts.map(({ payload }) => [`${payload.spawnId}`, payload.input.agent]))
  expect(ids.map((id) => agentNames.get(id))).toEqual(ids.map((_, n) => `agent ${n}`))
  const firstEnd = filterEvents(events, "spawn:complete")[0]?.sequence ?? 0
  expect(starts.every(({ sequence }) => sequence < firstEnd)).toBe(true)
  expect(result.programResult).toEqual(ids)
  expect(record.spawns).toEqual({ started: 100, running: 0, complete: 100, error: 0, cancelled: 0 })
  expect(code).toBe(0)
})

// Each spawn hashes its key after it takes its number, so the hashes could finish in another order.
test("concurrent spawns are logged in the order of their numbers", async () => {
  const program = world.write(
    "at-once.ts",
    `await Promise.all(Array.from({ length: 100 }, (_, n) => ${spawn("n")}))`,
  )
  const { events } = await world.run(program, ["--driver", "instant"])
  const numbers = filterEvents(events, "spawn:start").map(({ payload }) => Number(payload.spawnId.slice(6)))
  expect(numbers).toEqual(Array.from({ length: 100 }, (_, n) => n + 1))
})

test("awaited spawns run one after the other", async () => {
  const program = world.write(
    "in-turn.ts",
    `const texts: string[] = []
    for (const n of [1, 2, 3]) texts.push((await ${spawn("n")}).text)
    export default texts`,
  )
  const { events, result } = await world.run(program, ["--driver", "instant"])
  const order = events.flatMap(({ payload, type }) =>
    "spawnId" in payload ? [`${type} ${payload.spawnId}`] : [],
  )
  expect(order).toEqual([1, 2, 3].flatMap((n) => [`spawn:start spawn_${n}`, `spawn:complete spawn_${n}`]))
  expect(result.programResult).toEqual(["spawn_1", "spawn_2", "spawn_3"])
})
