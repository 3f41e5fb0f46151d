/** The rows of the table: what is measured, how, and what is to hold. Every figure is what a user of the command sees. */
import {
  closeSync,
  fstatSync,
  openSync,
  readSync,
  readdirSync,
  renameSync,
  cpSync,
  readFileSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import { spawnsAtOnce, spawnsInTurn } from "./floors.ts"
import { memoryOf, until, workerOf, type World } from "./world.ts"

/** How much work goes into a row. */
export type Effort = {
  /** Runs of a short command. */
  readonly repeats: number
  /** Runs of what takes longer. */
  readonly few: number
  /** Spawns in turn. */
  readonly sequence: number
}

export type Row = {
  readonly name: string
  readonly unit: "ms" | "MiB" | "×"
  /** The figure that is to hold, and whether the median or the 99th percentile has to. */
  readonly target: number
  readonly of: "median" | "p99"
  /** What an executable is held to: mostly to nothing, the bundle is. */
  readonly executable?: number
  /** What keeps the figure from holding, where it does not. */
  readonly bound?: string
  /** Readies the world, once. */
  readonly prepare?: (world: World) => unknown
  /** Some measurements; called again until there are enough. */
  readonly measure: (world: World, effort: Effort) => Promise<ReadonlyArray<number>> | ReadonlyArray<number>
  /** How often it is called. */
  readonly times: (effort: Effort) => number
}

const often = ({ repeats }: Effort) => repeats
const seldom = ({ few }: Effort) => few

/** The time of an event, in milliseconds since 1970. */
const timeOf = (events: string, type: string): number => {
  const line = events.split("\n").find((one) => one.includes(`"type":"${type}"`))
  return Date.parse(JSON.parse(line ?? "{}").timestamp)
}

/** Makes copies of a run, under ids that are older than its own, beside the `made` ones that are there. */
export const multiplyRun = (world: World, runId: string, count: number, made = 0) => {
  const source = join(world.runsDir, runId)
  const name = (index: number) => `run_00${String(index).padStart(24, "0")}`
  const texts = readdirSync(source).flatMap((file) => (/\.(?:json|ndjson)$/.test(file) ? [file] : []))
  for (let index = made; index < count; index++) {
    const building = join(world.dir, "building")
    // The space that a run keeps in reserve may go while it is copied.
    cpSync(source, building, { recursive: true, filter: (path) => !path.endsWith("/reserve") })
    for (const file of texts) {
      const text = readFileSync(join(source, file), "utf8").replaceAll(runId, name(index))
      writeFileSync(join(building, file), text, { mode: 0o600 })
    }
    renameSync(building, join(world.runsDir, name(index)))
  }
}

/** The moments at which a growing file has each of its lines, as the file system shows it. */
const followFile = (path: string, onLine: (line: string, at: number) => void) => {
  let offset = 0
  let rest = ""
  const file = openSync(path, "r")
  const look = () => {
    const { size } = fstatSync(file)
    if (size === offset) return
    const at = performance.timeOrigin + performance.now()
    const bytes = new Uint8Array(size - offset)
    offset += readSync(file, bytes, 0, bytes.length, offset)
    const lines = (rest + new TextDecoder().decode(bytes)).split("\n")
    rest = lines.pop() ?? ""
    for (const line of lines) onLine(line, at)
  }
  const timer = setInterval(look, 1)
  return () => {
    clearInterval(timer)
    closeSync(file)
  }
}

/** Since when the agent has printed what a line tells, in milliseconds. */
const delayOf = (line: string, at: number): ReadonlyArray<number> => {
  const said = /"message":"(\d+(?:\.\d+)?)"/.exec(line)?.[1]
  return said === undefined ? [] : [at - Number(said)]
}

const toLog: Row["measure"] = async (world) => {
  const runId = world.submit("sequential.ts", "ticking", "0")
  const delays: Array<number> = []
  let ended = false
  await until(() => world.events(runId) !== "")
  const stop = followFile(join(world.runsDir, runId, "events.ndjson"), (line, at) => {
    delays.push(...delayOf(line, at))
    ended ||= line.includes('"run:complete"')
  })
  await until(() => ended)
  stop()
  return delays
}

const toWatch: Row["measure"] = async (world) => {
  const runId = world.submit("sequential.ts", "ticking", "0")
  const watcher = world.start("watch", "--run", runId, "--json")
  // What was there before it looked is no delay of its own.
  const since = performance.timeOrigin + performance.now() + 500
  const delays: Array<number> = []
  let rest = ""
  for await (const chunk of watcher.stdout.pipeThrough(new TextDecoderStream())) {
    const at = performance.timeOrigin + performance.now()
    const lines = (rest + chunk).split("\n")
    rest = lines.pop() ?? ""
    if (at > since) for (const line of lines) delays.push(...delayOf(line, at))
  }
  return delays
}

const toWait: Row["measure"] = async (world) => {
  const runId = world.submit("sequential.ts", "half", "0")
  const waiter = world.start("wait", runId, "--timeout", "60", "--json")
  await waiter.exited
  return [performance.timeOrigin + performance.now() - timeOf(world.events(runId), "run:complete")]
}

/** Starts a run, and waits until its one agent has been started. */
const hanging = async (world: World): Promise<string> => {
  const runId = world.submit("sequential.ts", "hanging", "0")
  await until(() => world.events(runId).includes("spawn:start"))
  return runId
}

const cancel: Row["measure"] = async (world) => {
  const runId = await hanging(world)
  await Bun.sleep(200)
  return [world.mill("cancel", runId, "--json").millis]
}

const toolCalls = 100_000

const writeLines = ({ dir }: World) => {
  const line = `{"type":"tool_call","toolName":"Read","input":{"path":"src/some/where/file.ts","limit":2000}}\n`
  writeFileSync(join(dir, "lines.ndjson"), `${line.repeat(toolCalls)}{"type":"result","text":"ok"}\n`)
}

/** A run that stays when its one spawn has ended: what the spawn took, and its worker's memory at most. */
const talking = async (world: World) => {
  const go = join(world.dir, `go-${performance.now()}`)
  const runId = world.submit("stay.ts", "talking", go)
  await until(() => readdirSync(world.dir).includes(`${go.split("/").at(-1)}.there`))
  const memory = memoryOf(workerOf(runId), "VmHWM")
  writeFileSync(go, "")
  world.mill("wait", runId, "--timeout", "60")
  const count = world.events(runId).split('"spawn:tool_call"').length - 1
  if (count !== toolCalls) throw new Error(`${count} of ${toolCalls} lines are in the log`)
  const result = JSON.parse(readFileSync(join(world.runsDir, runId, "result.json"), "utf8"))
  return { millis: Number(result.programResult), memory }
}

const idle: Row["measure"] = async (world) => {
  const runId = await hanging(world)
  await Bun.sleep(2000)
  const memory = memoryOf(workerOf(runId), "VmRSS")
  world.mill("cancel", runId)
  return [memory]
}

/** A run that has ended, for commands to look at. */
const oneRun = (world: World) => void world.run("nothing.ts", "instant")

export const rows: ReadonlyArray<Row> = [
  {
    name: "mill --help",
    unit: "ms",
    target: 40,
    executable: 25,
    of: "median",
    times: often,
    // Where there is a configuration, help tells what it says, and has to evaluate it.
    measure: (world) => [world.elsewhere("--help").millis],
  },
  {
    name: "mill status --json",
    unit: "ms",
    target: 40,
    executable: 25,
    of: "median",
    times: often,
    prepare: oneRun,
    measure: (world) => [world.mill("status", "last", "--json").millis],
  },
  {
    name: "mill run, until the id is printed",
    unit: "ms",
    target: 60,
    of: "median",
    times: often,
    measure: (world) => {
      const { millis, stdout } = world.mill("run", "nothing.ts", "--json", "--driver", "instant")
      world.mill("wait", JSON.parse(stdout).runId, "--timeout", "60")
      return [millis]
    },
  },
  {
    name: "submit to run:complete, no spawn",
    unit: "ms",
    target: 150,
    of: "median",
    times: often,
    measure: (world) => {
      const start = Date.now()
      const runId = world.submit("nothing.ts", "instant")
      world.mill("wait", runId, "--timeout", "60")
      return [timeOf(world.events(runId), "run:complete") - start]
    },
  },
  {
    name: "own cost of a spawn in turn",
    unit: "ms",
    target: 2,
    of: "median",
    times: seldom,
    measure: async (world, { sequence }) => {
      const bare = await spawnsInTurn(sequence)
      return [world.run("sequential.ts", "instant", String(sequence)) / sequence - bare]
    },
  },
  {
    name: "100 spawns at once of 500 ms each",
    unit: "ms",
    target: 1200,
    of: "median",
    times: seldom,
    measure: (world) => [world.run("parallel.ts", "half", "100")],
  },
  {
    name: "1,000 spawns, 64 at a time, over a bare loop",
    unit: "×",
    target: 1.5,
    of: "median",
    times: seldom,
    measure: async (world) => {
      const bare = await spawnsAtOnce(1000, 64)
      return [world.run("pool.ts", "instant", "1000", "64") / bare]
    },
    bound:
      "the bare loop does nothing but wait for the system to start processes, 0.5 ms each, and a thread that starts one can do nothing else meanwhile: what a worker does for a spawn (two events, a file, an answer over a socket) comes on top, 0.6 ms",
  },
  {
    name: "an agent's 100,000 tool calls, in the log",
    unit: "ms",
    target: 2000,
    of: "median",
    times: seldom,
    prepare: writeLines,
    measure: async (world) => [(await talking(world)).millis],
  },
  {
    name: "the worker's memory meanwhile, at most",
    unit: "MiB",
    target: 150,
    of: "median",
    times: seldom,
    prepare: writeLines,
    measure: async (world) => [(await talking(world)).memory],
  },
  { name: "an agent's line to the log", unit: "ms", target: 20, of: "p99", times: seldom, measure: toLog },
  { name: "an agent's line to watch", unit: "ms", target: 40, of: "p99", times: seldom, measure: toWatch },
  {
    name: "the run's end to wait's exit",
    unit: "ms",
    target: 15,
    of: "median",
    times: seldom,
    measure: toWait,
  },
  {
    name: "cancel of a hanging agent",
    unit: "ms",
    target: 120,
    of: "median",
    times: seldom,
    measure: cancel,
  },
  {
    name: "an idle worker's memory, one spawn",
    unit: "MiB",
    target: 60,
    of: "median",
    times: seldom,
    measure: idle,
  },
  {
    name: "mill ls --json, 50 of 5,000 runs",
    unit: "ms",
    target: 60,
    of: "median",
    times: often,
    prepare: (world) => {
      oneRun(world)
      multiplyRun(world, readdirSync(world.runsDir)[0] ?? "", 5000)
    },
    measure: (world) => [world.mill("ls", "--json", "--limit", "50").millis],
  },
]
