/**
 * Measures how late commands notice the end of a run: the time from the run's terminal event until the command has exited.
 * A command that misses a notice and has to poll shows up as an outlier, so every sample counts, not only the median.
 *
 * Next to each sample, a process without mill is measured the same way. If such processes are late too, the machine is busy,
 * and no time is compared with the limit.
 */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { summarise } from "./stats.ts"
import { waitUntil, type World } from "./world.ts"

/** The most milliseconds by which a sample may exceed the median. */
const tolerance = 100

/** The longest time for one sample, in milliseconds. */
const sampleLimit = 30_000

/** `late` counts the samples that exceed the median by more than the tolerance. */
export type Lateness = {
  readonly name: string
  readonly median: number
  readonly p99: number
  readonly max: number
  readonly late: number
  readonly samples: number
}

/** Waits until the process has exited, and returns what it printed. Kills it if that takes too long. */
const finish = async (child: Bun.Subprocess<"ignore", "pipe", "inherit">) => {
  const timer = setTimeout(() => child.kill("SIGKILL"), sampleLimit)
  const [stdout] = await Promise.all([new Response(child.stdout).text(), child.exited])
  const exitedAt = Date.now()
  clearTimeout(timer)
  if (child.signalCode !== null) throw new Error(`a sample took longer than ${sampleLimit} ms`)
  return { stdout, exitedAt }
}

const readEndTime = (world: World, runId: string): number =>
  Date.parse(JSON.parse(readFileSync(join(world.runsDir, runId, "run.json"), "utf8")).completedAt)

type Sample = Readonly<Record<string, number>>

const samplers: ReadonlyArray<(world: World) => Promise<Sample>> = [
  async () => {
    const script = `await Bun.sleep(20); await Bun.write(Bun.stdout, String(Date.now()))`
    const child = Bun.spawn([process.execPath, "-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
    })
    const { exitedAt, stdout } = await finish(child)
    return { "this machine: a process without mill": exitedAt - Number(stdout) }
  },
  async (world) => {
    const { exitedAt, stdout } = await finish(
      world.start("run", "sequential.ts", "--sync", "--json", "--driver", "instant", "--", "1"),
    )
    return { "mill run --sync": exitedAt - readEndTime(world, JSON.parse(stdout).run.id) }
  },
  async (world) => {
    const runId = world.submit("sequential.ts", "half", "0")
    const { exitedAt } = await finish(world.start("watch", "--run", runId, "--json"))
    return { "mill watch --run": exitedAt - readEndTime(world, runId) }
  },
  async (world) => {
    const runId = world.submit("sequential.ts", "hanging", "0")
    await waitUntil(() => world.events(runId).includes("spawn:start"))
    const startedAt = Date.now()
    const { exitedAt } = await finish(world.start("cancel", runId, "--json"))
    return {
      "mill cancel": exitedAt - readEndTime(world, runId),
      "mill cancel, from its start": exitedAt - startedAt,
    }
  },
]

/** Takes `count` samples of each command, in turn. */
export const measureEnds = async (world: World, count: number): Promise<ReadonlyArray<Lateness>> => {
  const samples = new Map<string, Array<number>>()
  for (let time = 0; time < count; time++) {
    for (const sample of samplers)
      for (const [name, millis] of Object.entries(await sample(world)))
        samples.set(name, [...(samples.get(name) ?? []), millis])
  }
  return [...samples].map(([name, values]) => {
    const { median, p99 } = summarise(values)
    return {
      name,
      median,
      p99,
      max: Math.max(...values),
      late: values.filter((value) => value > median + tolerance).length,
      samples: values.length,
    }
  })
}

/** Whether the end of a process without mill was noticed late too. */
export const isBusy = ([floor]: ReadonlyArray<Lateness>): boolean =>
  floor !== undefined && floor.max > floor.median + tolerance / 2

export const renderEnds = (ends: ReadonlyArray<Lateness>): ReadonlyArray<ReadonlyArray<string>> => [
  ["from the end of a run until the exit", "median", "p99", "max", `> median + ${tolerance} ms`],
  ...ends.map(({ late, max, median, name, p99, samples }) => [
    name,
    `${median} ms`,
    `${p99} ms`,
    `${max} ms`,
    `${late} of ${samples}`,
  ]),
]
