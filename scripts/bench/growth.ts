/** How the time and memory of commands grow with the store and with the run: each size is ten times the last. */
import { appendFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { multiplyRun } from "./rows.ts"
import { summarise } from "./stats.ts"
import type { Observed, Pooled, World } from "./world.ts"

export type Point = { readonly size: number; readonly millis: number; readonly memoryMiB: number }
export type Curve = { readonly name: string; readonly by: string; readonly points: ReadonlyArray<Point> }

const measurePoint = async (
  size: number,
  repeats: number,
  command: () => Promise<Observed>,
): Promise<Point> => {
  const observed: Array<Observed> = []
  for (let time = 0; time < repeats; time++) observed.push(await command())
  return {
    size,
    millis: summarise(observed.map(({ millis }) => millis)).median,
    memoryMiB: summarise(observed.map(({ memoryMiB }) => memoryMiB)).median,
  }
}

type Commands = Readonly<Record<string, ReadonlyArray<string>>>

const measureCurves = async (
  commands: Commands,
  by: string,
  sizes: ReadonlyArray<number>,
  at: (name: string, size: number) => Promise<Point>,
) => {
  const points = new Map<string, Array<Point>>(Object.keys(commands).map((name) => [name, []]))
  for (const size of sizes) for (const [name, list] of points) list.push(await at(name, size))
  return [...points].map(([name, list]): Curve => ({ name, by, points: list }))
}

/** Measures commands on a growing store. */
const byStore = (
  world: World,
  sizes: ReadonlyArray<number>,
  repeats: number,
): Promise<ReadonlyArray<Curve>> => {
  const runId = world.submit("nothing.ts", "instant")
  world.mill("wait", runId, "--timeout", "60")
  const commands = {
    status: ["status", runId, "--json"],
    wait: ["wait", runId, "--timeout", "60", "--json"],
    "watch --run": ["watch", "--run", runId, "--json"],
    ls: ["ls", "--json", "--limit", "50"],
  }
  let stored = 0
  return measureCurves(commands, "runs in the store", sizes, (name, size) => {
    if (size > stored) multiplyRun(world, runId, size, stored)
    stored = size
    return measurePoint(size, repeats, () =>
      world.observe(...(commands[name as keyof typeof commands] ?? [])),
    )
  })
}

/** Inserts events before the last event of an ended run. */
const lengthen = (
  world: World,
  runId: string,
  size: number,
  lines: (index: number) => ReadonlyArray<object>,
) => {
  const file = join(world.runsDir, runId, "events.ndjson")
  const all = readFileSync(file, "utf8").trimEnd().split("\n")
  const head = all.filter((line) => /"type":"run:(?:start|status)"/.test(line))
  const last = JSON.parse(all.at(-1) ?? "{}")
  writeFileSync(file, `${head.join("\n")}\n`)
  let sequence = head.length
  let text = ""
  const write = (event: object) => {
    sequence += 1
    text += `${JSON.stringify({ ...last, sequence, ...event })}\n`
    if (text.length > 1_000_000) {
      appendFileSync(file, text)
      text = ""
    }
  }
  for (let index = 0; index < size; index++) for (const event of lines(index)) write(event)
  write({ type: last.type, payload: last.payload })
  appendFileSync(file, text)
  // Without snapshots a command reads the whole log.
  for (const snapshot of ["run.json", "result.json"])
    rmSync(join(world.runsDir, runId, snapshot), { force: true })
}

const input = { agent: "a", systemPrompt: "s", prompt: "p", model: "m" }
const spawnEvents = (index: number) => {
  const spawnId = `spawn_${index + 1}`
  const result = {
    text: "ok",
    sessionRef: spawnId,
    agent: "a",
    model: "m",
    driver: "instant",
    exitCode: 0,
    durationMs: 1,
  }
  return [
    { type: "spawn:start", payload: { spawnId, input, key: "0".repeat(64), driver: "instant" } },
    { type: "spawn:complete", payload: { spawnId, result } },
  ]
}

/** Measures commands on a run without snapshots, so that they read its whole log. */
const byRun = (
  world: World,
  what: string,
  sizes: ReadonlyArray<number>,
  repeats: number,
  lines: (index: number) => ReadonlyArray<object>,
): Promise<ReadonlyArray<Curve>> => {
  const runId = world.submit("nothing.ts", "instant")
  world.mill("wait", runId, "--timeout", "60")
  const folder = join(world.runsDir, runId)
  const template = readFileSync(join(folder, "events.ndjson"), "utf8")
  const commands = {
    "status, from the log": ["status", runId, "--json"],
    wait: ["wait", runId, "--timeout", "600", "--json"],
    "watch --run": ["watch", "--run", runId, "--json"],
  }
  let written = 0
  return measureCurves(commands, what, sizes, (name, size) => {
    const prepare = () => {
      writeFileSync(join(folder, "events.ndjson"), template)
      lengthen(world, runId, size, lines)
      written = size
    }
    if (written !== size) prepare()
    return measurePoint(size, repeats, () => {
      if (name.endsWith("log"))
        for (const file of readdirSync(folder))
          if (/^(?:run|result)\.json$/.test(file)) rmSync(join(folder, file))
      return world.observe(...(commands[name as keyof typeof commands] ?? []))
    })
  })
}

/** Measures runs with more and more spawns, and the memory of their workers. */
const bySpawns = (world: World, sizes: ReadonlyArray<number>): Curve => ({
  name: "all spawns, and the worker's memory",
  by: "spawns in the run (64 at a time)",
  points: sizes.map((size) => ({
    size,
    ...world.run<Pooled>("pool.ts", "instant", String(size), "64"),
  })),
})

/** Measures all curves. `quick` leaves out the largest sizes. */
export const growth = async (makeWorld: () => World, quick: boolean): Promise<ReadonlyArray<Curve>> => {
  const upTo = (limit: number) => [100, 1000, 10_000, 100_000, 1_000_000].filter((size) => size <= limit)
  const repeats = quick ? 3 : 7
  const within = async (work: (world: World) => Promise<ReadonlyArray<Curve>> | ReadonlyArray<Curve>) => {
    const world = makeWorld()
    try {
      return await work(world)
    } finally {
      world.remove()
    }
  }
  const log = () => [
    { type: "run:log", payload: { message: "a line from the program, of the usual length" } },
  ]
  const spawns = upTo(quick ? 1000 : 10_000)
  return [
    ...(await within((world) => byStore(world, upTo(quick ? 1000 : 10_000), repeats))),
    ...(await within((world) =>
      byRun(world, "events in the run", upTo(quick ? 10_000 : 1_000_000), repeats, log),
    )),
    ...(await within((world) => byRun(world, "spawns in the run", spawns, repeats, spawnEvents))),
    ...(await within((world) => [bySpawns(world, spawns)])),
  ]
}
