/** A world whose agents hang in several ways, each with what it leaves behind. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { eventually, isAlive, makeWorld, ofType, processesWith, writeScript } from "../support/mill.ts"

const agents: Readonly<Record<string, string>> = {
  // Heeds SIGTERM.
  hangs: "exec sleep 300",
  stubborn: `trap '' TERM; while true; do sleep 300; done`,
  family: `setsid sleep 300 >/dev/null 2>&1 &
(setsid sh -c 'sleep 300 & exit 0' >/dev/null 2>&1 &)
sleep 300 & wait`,
}

/** `more` of its configuration may be given: text that ends with a comma. */
export const makeCancelWorld = (more = "") => {
  const world = makeWorld()
  const drivers = Object.entries(agents).map(([name, source]) => {
    const command = writeScript(
      world,
      `agents/${name}`,
      `echo '{"type":"milestone","message":"hangs"}'\n${source}`,
    )
    return `${name}: processDriver({ command: ${JSON.stringify(command)}, codec: jsonlCodec() })`
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
await Bun.write("looping-" + mill.run.id, "").catch(() => "a sandbox takes no files")
while (true) {}`,
  )
  world.write(
    "spawns.ts",
    `const spawn = () => mill.spawn({ agent: "a", systemPrompt: "s", prompt: "p", model: "m" })
await Promise.all([spawn(), spawn()])`,
  )

  const logged = (runId: string): string => {
    try {
      return readFileSync(join(world.runsDir, runId, "events.ndjson"), "utf8")
    } catch {
      return ""
    }
  }
  const untilLogged = (runId: string, what: string, times = 1) =>
    eventually(`${what} in the log`, () => logged(runId).split(what).length > times)
  /** Starts a run and waits until its log says so often what was asked for. */
  const begin = async (program: string, what = "run:start", times = 1, driver = "hangs") => {
    const { stdout } = await world.mill(["run", program, "--json", "--driver", driver])
    const { runId } = JSON.parse(stdout)
    await untilLogged(String(runId), what, times)
    return String(runId)
  }
  /** A run with two spawns that hang. */
  const beginSpawns = (driver = "hangs") => begin("spawns.ts", "spawn:milestone", 2, driver)

  const marked = (runId: string) => processesWith(`MILL_RUN_ID=${runId}`)
  const hostOf = (runId: string): number => {
    // Others, which an agent has started, may be gone by the time that they are looked at.
    const ofAgent = (process: number): boolean => {
      try {
        return readFileSync(`/proc/${process}/environ`, "utf8").includes("MILL_SPAWN_ID=")
      } catch {
        return true
      }
    }
    const [pid] = marked(runId).filter((process) => !ofAgent(process))
    if (pid === undefined) throw new Error(`the program of ${runId} does not run`)
    return pid
  }
  const workerOf = (runId: string): number =>
    JSON.parse(readFileSync(join(world.runsDir, runId, "owner.1"), "utf8")).pid

  const cancel = async (runId: string, ...args: ReadonlyArray<string>) => {
    const { code, stderr, stdout } = await world.mill(["cancel", runId, "--json", ...args])
    return { code, stderr, answer: JSON.parse(stdout) }
  }
  /** Waits by the files alone until the run has ended, so that no command of mill brings that about. */
  const untilEnded = (runId: string) =>
    eventually(
      "the run's record tells its end",
      () => world.record(runId).status !== "running" && endOf(runId),
    )

  /** How the run has ended, by its log: its one terminal event, and those of its spawns. */
  const endOf = (runId: string) => {
    const events = world.events(runId)
    const ends = events.filter(({ type }) => /^run:(?:complete|failed|cancelled)$/.test(type))
    const gapless = events.every(({ sequence }, index) => sequence === index + 1)
    if (ends.length === 0) return undefined
    if (ends.length > 1 || !gapless || events.at(-1) !== ends[0]) throw new Error("the log is not in order")
    return {
      type: ends[0]?.type,
      payload: ends[0]?.payload,
      cancelled: ofType(events, "spawn:cancelled").length,
      errors: ofType(events, "spawn:error").map(({ payload }) => payload.cause),
    }
  }
  const nothingLeft = (runId: string) => marked(runId).length === 0 && !isAlive(workerOf(runId))
  const untilNothingLeft = (runId: string) =>
    eventually("nothing of the run is left", () => nothingLeft(runId))

  return {
    world,
    begin,
    beginSpawns,
    cancel,
    endOf,
    hostOf,
    logged,
    marked,
    untilEnded,
    untilLogged,
    untilNothingLeft,
    workerOf,
  }
}
