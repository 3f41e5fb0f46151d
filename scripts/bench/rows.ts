/** The rows of the table: each measures what a user of the command sees, and has a target. */
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
import {
  append,
  durableAppend,
  emptyMemory,
  emptyProcess,
  type Floor,
  plainAppend,
  spawnHalfSeconds,
  spawnInParallel,
  spawnInSequence,
} from "./floors.ts"
import { readMemory, waitUntil, findWorker, type Pooled, type World } from "./world.ts"

/** How often rows are measured. */
export type Effort = {
  /** Runs of a short command. */
  readonly repeats: number
  /** Runs of longer work. */
  readonly few: number
  /** Spawns in sequence. */
  readonly sequence: number
}

export type Row = {
  readonly name: string
  readonly unit: "ms" | "MiB" | "×"
  /** The highest acceptable figure, and whether it applies to the median or to the 99th percentile. */
  readonly target: number
  readonly of: "median" | "p99"
  /** The target of the executable, where it has one. */
  readonly executable?: number
  /** The cost without mill, measured in the same repetitions. */
  readonly floor: Floor
  /** Why the figure cannot be much lower. */
  readonly bound?: string
  /** Prepares the world, once. */
  readonly prepare?: (world: World) => unknown
  /** Returns one or more measurements. */
  readonly measure: (world: World, effort: Effort) => Promise<ReadonlyArray<number>> | ReadonlyArray<number>
  /** How often to call `measure`. */
  readonly times: (effort: Effort) => number
}

const often = ({ repeats }: Effort) => repeats
const seldom = ({ few }: Effort) => few

/** The time of an event, in milliseconds since 1970. */
const readTime = (events: string, type: string): number => {
  const line = events.split("\n").find((text) => text.includes(`"type":"${type}"`))
  return Date.parse(JSON.parse(line ?? "{}").timestamp)
}

/** Copies a run under older ids, until there are `count` copies. `made` copies exist already. */
export const multiplyRun = (world: World, runId: string, count: number, made = 0) => {
  const source = join(world.runsDir, runId)
  const name = (index: number) => `run_00${String(index).padStart(24, "0")}`
  const texts = readdirSync(source).flatMap((file) => (/\.(?:json|ndjson)$/.test(file) ? [file] : []))
  for (let index = made; index < count; index++) {
    const building = join(world.dir, "building")
    // A run removes its reserve of disk space when it ends, which may be during the copy.
    cpSync(source, building, { recursive: true, filter: (path) => !path.endsWith("/reserve") })
    for (const file of texts) {
      const text = readFileSync(join(source, file), "utf8").replaceAll(runId, name(index))
      writeFileSync(join(building, file), text, { mode: 0o600 })
    }
    renameSync(building, join(world.runsDir, name(index)))
  }
}

/** Calls back with each line of a growing file, and the time at which the file system shows it. */
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

/** Computes the delay since the agent printed a line, in milliseconds: the line holds the time. */
const readDelay = (line: string, at: number): ReadonlyArray<number> => {
  const time = /"message":"(\d+(?:\.\d+)?)"/.exec(line)?.[1]
  return time === undefined ? [] : [at - Number(time)]
}

const delayToLog: Row["measure"] = async (world) => {
  const runId = world.submit("sequential.ts", "ticking", "0")
  const delays: Array<number> = []
  let ended = false
  await waitUntil(() => world.events(runId) !== "")
  const stop = followFile(join(world.runsDir, runId, "events.ndjson"), (line, at) => {
    delays.push(...readDelay(line, at))
    ended ||= line.includes('"run:complete"')
  })
  await waitUntil(() => ended)
  stop()
  return delays
}

const delayToWatch: Row["measure"] = async (world) => {
  const runId = world.submit("sequential.ts", "ticking", "0")
  const watcher = world.start("watch", "--run", runId, "--json")
  // Lines that are older than the watcher do not count.
  const since = performance.timeOrigin + performance.now() + 500
  const delays: Array<number> = []
  let rest = ""
  for await (const chunk of watcher.stdout.pipeThrough(new TextDecoderStream())) {
    const at = performance.timeOrigin + performance.now()
    const lines = (rest + chunk).split("\n")
    rest = lines.pop() ?? ""
    if (at > since) for (const line of lines) delays.push(...readDelay(line, at))
  }
  return delays
}

const delayToWait: Row["measure"] = async (world) => {
  const runId = world.submit("sequential.ts", "half", "0")
  const waiter = world.start("wait", runId, "--timeout", "60", "--json")
  await waiter.exited
  return [performance.timeOrigin + performance.now() - readTime(world.events(runId), "run:complete")]
}

/** Starts a run and waits until its agent has started. */
const startHanging = async (world: World): Promise<string> => {
  const runId = world.submit("sequential.ts", "hanging", "0")
  await waitUntil(() => world.events(runId).includes("spawn:start"))
  return runId
}

const cancelRun: Row["measure"] = async (world) => {
  const runId = await startHanging(world)
  await Bun.sleep(200)
  return [world.mill("cancel", runId, "--json").millis]
}

const toolCalls = 100_000

const writeLines = ({ dir }: World) => {
  const line = `{"type":"tool_call","toolName":"Read","input":{"path":"src/some/where/file.ts","limit":2000}}\n`
  writeFileSync(join(dir, "lines.ndjson"), `${line.repeat(toolCalls)}{"type":"result","text":"ok"}\n`)
}

/** Measures a spawn with many tool calls: its time, and the peak memory of its worker. */
const measureToolCalls = async (world: World) => {
  const go = join(world.dir, `go-${performance.now()}`)
  const runId = world.submit("stay.ts", "talking", go)
  await waitUntil(() => readdirSync(world.dir).includes(`${go.split("/").at(-1)}.there`))
  const memory = readMemory(findWorker(runId), "VmHWM")
  writeFileSync(go, "")
  world.mill("wait", runId, "--timeout", "60")
  const count = world.events(runId).split('"spawn:tool_call"').length - 1
  if (count !== toolCalls) throw new Error(`only ${count} of ${toolCalls} tool calls are in the log`)
  const result = JSON.parse(readFileSync(join(world.runsDir, runId, "result.json"), "utf8"))
  return { millis: Number(result.programResult), memory }
}

const measureIdle: Row["measure"] = async (world) => {
  const runId = await startHanging(world)
  await Bun.sleep(2000)
  const memory = readMemory(findWorker(runId), "VmRSS")
  world.mill("cancel", runId)
  return [memory]
}

/** Makes one ended run for commands to read. */
const makeRun = (world: World) => void world.run("nothing.ts", "instant")

/** Measures a submission: the time of the command that starts the run. */
const measureSubmit = (mill: World["mill"], program: string, driver: string) => {
  const { millis, stdout } = mill("run", program, "--json", "--driver", driver)
  mill("wait", JSON.parse(stdout).runId, "--timeout", "60")
  return [millis]
}

export const rows: ReadonlyArray<Row> = [
  {
    name: "mill --help",
    unit: "ms",
    target: 40,
    executable: 25,
    floor: emptyProcess,
    of: "median",
    times: often,
    // In a folder without a configuration, which help would evaluate.
    measure: (world) => [world.elsewhere("--help").millis],
  },
  {
    name: "mill --help with a configuration",
    unit: "ms",
    target: 50,
    executable: 60,
    floor: emptyProcess,
    of: "median",
    times: often,
    measure: (world) => [world.mill("--help").millis],
  },
  {
    name: "mill status --json",
    unit: "ms",
    target: 40,
    executable: 25,
    floor: emptyProcess,
    of: "median",
    times: often,
    prepare: makeRun,
    measure: (world) => [world.mill("status", "last", "--json").millis],
  },
  {
    name: "mill run, until it prints the run id",
    unit: "ms",
    target: 60,
    executable: 80,
    floor: emptyProcess,
    of: "median",
    times: often,
    measure: (world) => measureSubmit(world.elsewhere, "../nothing.ts", "offline"),
  },
  {
    name: "mill run with a configuration, until it prints the run id",
    unit: "ms",
    target: 60,
    executable: 80,
    floor: emptyProcess,
    of: "median",
    times: often,
    measure: (world) => measureSubmit(world.mill, "nothing.ts", "instant"),
  },
  {
    name: "mill run without spawns, until run:complete",
    unit: "ms",
    target: 150,
    floor: emptyProcess,
    of: "median",
    times: often,
    measure: (world) => {
      const start = Date.now()
      const runId = world.submit("nothing.ts", "instant")
      world.mill("wait", runId, "--timeout", "60")
      return [readTime(world.events(runId), "run:complete") - start]
    },
  },
  {
    name: "mill's overhead per spawn, in sequence",
    unit: "ms",
    target: 2,
    floor: { name: "spawn without mill", unit: "ms", measure: () => spawnInSequence(50) },
    of: "median",
    times: seldom,
    measure: async (world, { sequence }) => {
      const bare = await spawnInSequence(sequence)
      return [world.run("sequential.ts", "instant", String(sequence)) / sequence - bare]
    },
  },
  {
    name: "100 parallel spawns of 500 ms each",
    unit: "ms",
    target: 1200,
    floor: { name: "100 × sleep 0.5", unit: "ms", measure: () => spawnHalfSeconds(100) },
    of: "median",
    times: seldom,
    measure: (world) => [world.run("parallel.ts", "half", "100")],
  },
  {
    name: "1,000 spawns, 64 at a time, relative to a loop without mill",
    unit: "×",
    target: 2.5,
    floor: { name: "the loop", unit: "ms", measure: () => spawnInParallel(1000, 64) },
    of: "median",
    times: seldom,
    measure: async (world) => {
      const bare = await spawnInParallel(1000, 64)
      return [world.run<Pooled>("pool.ts", "instant", "1000", "64").millis / bare]
    },
    bound:
      "one thread starts the processes, which takes 0.5 ms each, as in the loop without mill; the worker's own 0.6 ms per spawn (two events, a file and a response over a socket) cannot overlap with that",
  },
  {
    name: "100,000 tool calls from one agent, until all are in the log",
    unit: "ms",
    target: 2000,
    floor: {
      name: "100,000 appends of 400 bytes",
      unit: "ms",
      measure: () => append(false, toolCalls) * toolCalls,
    },
    of: "median",
    times: seldom,
    prepare: writeLines,
    measure: async (world) => [(await measureToolCalls(world)).millis],
  },
  {
    name: "peak memory of a worker that logs 100,000 tool calls",
    unit: "MiB",
    target: 150,
    floor: emptyMemory,
    of: "median",
    times: seldom,
    prepare: writeLines,
    measure: async (world) => [(await measureToolCalls(world)).memory],
  },
  {
    name: "one line from an agent, until it is in the event log",
    unit: "ms",
    target: 20,
    floor: plainAppend,
    of: "p99",
    times: seldom,
    measure: delayToLog,
  },
  {
    name: "one line from an agent, until mill watch prints it",
    unit: "ms",
    target: 40,
    floor: plainAppend,
    of: "p99",
    times: seldom,
    measure: delayToWatch,
  },
  {
    name: "end of a run, until mill wait exits",
    unit: "ms",
    target: 15,
    floor: durableAppend,
    of: "median",
    times: seldom,
    measure: delayToWait,
  },
  {
    name: "mill cancel on a run with an agent that hangs",
    unit: "ms",
    target: 120,
    floor: emptyProcess,
    of: "median",
    times: seldom,
    measure: cancelRun,
  },
  {
    name: "memory of an idle worker with one agent",
    unit: "MiB",
    target: 60,
    floor: emptyMemory,
    of: "median",
    times: seldom,
    measure: measureIdle,
  },
  {
    name: "mill ls --json, newest 50 of 5,000 runs",
    unit: "ms",
    target: 60,
    floor: emptyProcess,
    of: "median",
    times: often,
    prepare: (world) => {
      makeRun(world)
      multiplyRun(world, readdirSync(world.runsDir)[0] ?? "", 5000)
    },
    measure: (world) => [world.mill("ls", "--json", "--limit", "50").millis],
  },
]
