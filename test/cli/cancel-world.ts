/** A world whose agents hang in several ways. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { waitFor, isAlive, makeWorld, filterEvents, findProcesses, writeScript } from "../support/mill.ts"

const agents: Readonly<Record<string, string>> = {
  // Exits on SIGTERM.
  hangs: "exec sleep 300",
  stubborn: `trap '' TERM; while true; do sleep 300; done`,
  family: `setsid sleep 300 >/dev/null 2>&1 &
(setsid sh -c 'sleep 300 & exit 0' >/dev/null 2>&1 &)
sleep 300 & wait`,
  // Writes a file on SIGTERM and goes on. A second milestone says that it is ready for that.
  notes: `trap ': > "noted-$MILL_RUN_ID-$MILL_SPAWN_ID"' TERM
echo '{"type":"milestone","message":"ready"}'
while true; do sleep 0.1; done`,
}

/** Grace periods in seconds, where the agent has its own. A test acts before this one is over. */
const graces: Readonly<Record<string, number>> = { notes: 60 }

/** Makes a world. `more` adds to its configuration and ends with a comma. */
export const makeCancelWorld = (more = "") => {
  const world = makeWorld()
  const drivers = Object.entries(agents).map(([name, source]) => {
    const command = writeScript(
      world,
      `agents/${name}`,
      `echo '{"type":"milestone","message":"hangs"}'\n${source}`,
    )
    return `${name}: processDriver({ command: ${JSON.stringify(command)}, codec: jsonlCodec(), cancelGrace: ${graces[name]} })`
  })
  world.write(
    "mill.config.ts",
    `import { defineConfig, jsonlCodec, processDriver, vmExecutor } from "@mill/core"
export default defineConfig({ ${more} defaultDriver: "hangs", cancelGrace: 0.3, drivers: {${drivers.join()}} })\n`,
  )
  world.write("silent.ts", `mill.log("waits")\nsetInterval(() => {}, 1000)`)
  world.write(
    "loop.ts",
    `mill.log("loops")
await Bun.sleep(50)
await Bun.write("looping-" + mill.run.id, "").catch(() => "a sandbox has no writable files")
while (true) {}`,
  )
  world.write(
    "spawns.ts",
    `const spawn = () => mill.spawn({ agent: "a", systemPrompt: "s", prompt: "p", model: "m" })
await Promise.all([spawn(), spawn()])`,
  )

  const readLog = (runId: string): string => {
    try {
      return readFileSync(join(world.runsDir, runId, "events.ndjson"), "utf8")
    } catch {
      return ""
    }
  }
  const waitForLog = (runId: string, what: string, times = 1) =>
    waitFor(`${what} in the log`, () => readLog(runId).split(what).length > times)
  /** Starts a run and waits until its log contains `what` as often as `times`. */
  const begin = async (program: string, what = "run:start", times = 1, driver = "hangs") => {
    const { stdout } = await world.mill(["run", program, "--json", "--driver", driver])
    const { runId } = JSON.parse(stdout)
    await waitForLog(String(runId), what, times)
    return String(runId)
  }
  /** Starts a run with two spawns that hang. */
  const beginSpawns = (driver = "hangs") => begin("spawns.ts", "spawn:milestone", 2, driver)

  const findProcessesOf = (runId: string) => findProcesses(`MILL_RUN_ID=${runId}`)
  const findHost = (runId: string): number => {
    // A process of an agent may exit before its environment is read.
    const isOfAgent = (process: number): boolean => {
      try {
        return readFileSync(`/proc/${process}/environ`, "utf8").includes("MILL_SPAWN_ID=")
      } catch {
        return true
      }
    }
    const [pid] = findProcessesOf(runId).filter((process) => !isOfAgent(process))
    if (pid === undefined) throw new Error(`the program of ${runId} is not running`)
    return pid
  }
  const findWorker = (runId: string): number =>
    JSON.parse(readFileSync(join(world.runsDir, runId, "owner.1"), "utf8")).pid

  const cancel = async (runId: string, ...args: ReadonlyArray<string>) => {
    const { code, stderr, stdout } = await world.mill(["cancel", runId, "--json", ...args])
    return { code, stderr, answer: JSON.parse(stdout) }
  }
  /** Waits until the run's files record its end, without any mill command, which would settle the run. */
  const waitForEnd = (runId: string) =>
    waitFor(
      "the end of the run in its record",
      () => world.readRecord(runId).status !== "running" && readEnd(runId),
    )

  /** Reads from the log how the run ended: its terminal event and those of its spawns. */
  const readEnd = (runId: string) => {
    const events = world.readEvents(runId)
    const ends = events.filter(({ type }) => /^run:(?:complete|failed|cancelled)$/.test(type))
    const isGapless = events.every(({ sequence }, index) => sequence === index + 1)
    if (ends.length === 0) return undefined
    if (ends.length > 1 || !isGapless || events.at(-1) !== ends[0]) throw new Error("the log is out of order")
    return {
      type: ends[0]?.type,
      payload: ends[0]?.payload,
      cancelled: filterEvents(events, "spawn:cancelled").length,
      errors: filterEvents(events, "spawn:error").map(({ payload }) => payload.cause),
    }
  }
  const isAllGone = (runId: string) => findProcessesOf(runId).length === 0 && !isAlive(findWorker(runId))
  const waitUntilGone = (runId: string) => waitFor("all processes of the run to exit", () => isAllGone(runId))

  return {
    world,
    begin,
    beginSpawns,
    cancel,
    readEnd,
    findProcessesOf,
    findHost,
    readLog,
    waitForEnd,
    waitForLog,
    waitUntilGone,
    findWorker,
  }
}
