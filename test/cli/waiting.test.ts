/** A run outlives the commands that wait for it, and has exactly one worker. */
import { beforeAll, describe, expect, test } from "bun:test"
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { RunPaths } from "../../src/domain/run.schema.ts"
import { copyRun, waitFor, formatJsonlDriver, makeWorld, writeConfig, writeScript } from "../support/mill.ts"

const world = makeWorld()
const gate = join(world.dir, "gate")
const started = join(world.dir, "started")
writeConfig(world, {
  gated: formatJsonlDriver(
    writeScript(
      world,
      "gated",
      `echo "$MILL_RUN_ID" >> "${started}"; read -r _ < "${gate}"; echo '{"type":"result","text":"done"}'`,
    ),
  ),
})
const program = world.write(
  "program.ts",
  `export default (await mill.spawn({ agent: "a", systemPrompt: "s", prompt: "p", model: "m" })).text`,
)
const readStarts = () => (existsSync(started) ? readFileSync(started, "utf8").trim().split("\n") : [])

/** Starts a run whose agent waits at a gate, calls a function, opens the gate and waits for the end. */
const runDuring = async (what: (runId: string, paths: RunPaths) => Promise<void>) => {
  rmSync(gate, { force: true })
  Bun.spawnSync(["mkfifo", gate])
  const before = readStarts().length
  const { paths, runId } = JSON.parse((await world.mill(["run", program, "--json"])).stdout)
  await waitFor("the agent to start", () => readStarts().length > before)
  await what(runId, paths)
  writeFileSync(gate, "\n")
  const waited = await world.mill(["wait", runId, "--json", "--timeout", "60"])
  return { runId, code: waited.code, record: JSON.parse(waited.stdout) }
}

/** Interrupts a command that waits. It prints nothing when it starts to wait, so `ready` looks at its open files. */
const interrupt = async (args: ReadonlyArray<string>, ready: (pid: number) => boolean) => {
  const child = world.start(args)
  await waitFor(`${args.join(" ")} waits`, () => ready(child.pid))
  child.kill("SIGINT")
  return { code: await child.exited, stderr: await new Response(child.stderr).text() }
}

/** Whether the process watches files, as a command that prints events does. */
const isWatching = (pid: number): boolean => {
  const found = Bun.spawnSync(["sh", "-c", `ls -l /proc/${pid}/fd`]).stdout.toString()
  return found.includes("inotify")
}

/** Counts the connections that the run's worker has accepted. Those of /proc/net/unix in state 03 are connected. */
const countConnections = (runId: string): number => {
  const socket = readFileSync(join(world.runsDir, runId, "control"), "utf8")
  return readFileSync("/proc/net/unix", "utf8")
    .split("\n")
    .filter((line) => line.endsWith(` ${socket}`) && line.split(/\s+/)[5] === "03").length
}

describe("while a run is live", () => {
  test("mill wait exits with 124 when the timeout passes, and the run keeps running", async () => {
    const { code, record } = await runDuring(async (runId) => {
      const { code, stderr, stdout } = await world.mill(["wait", runId, "--timeout", "0.05", "--json"])
      const { error } = JSON.parse(stdout)
      expect([code, error._tag, error.run, error.seconds]).toEqual([124, "WaitTimeout", runId, 0.05])
      expect(stderr).toContain(`${runId} is still running after 0.05 s`)
      const status = await world.mill(["status", runId, "--json"])
      expect(JSON.parse(status.stdout)).toMatchObject({
        status: "running",
        spawns: { started: 1, running: 1 },
      })
    })
    expect([code, record.status]).toEqual([0, "complete"])
  })

  test("an interrupted mill wait exits with 130, and the run keeps running", async () => {
    const { code, record } = await runDuring(async (runId) => {
      const { code } = await interrupt(
        ["wait", runId, "--timeout", "60"],
        () => countConnections(runId) === 1,
      )
      expect(code).toBe(130)
    })
    expect([code, record.status]).toEqual([0, "complete"])
  })

  test("sixteen commands wait on connections to the worker, and all exit when it ends", async () => {
    const waiters: Array<ReturnType<typeof world.start>> = []
    const { code } = await runDuring(async (runId) => {
      for (let n = 0; n < 16; n += 1)
        waiters.push(world.start([n % 2 === 0 ? "wait" : "watch", ...(n % 2 === 0 ? [] : ["--run"]), runId]))
      await waitFor("all to be connected", () => countConnections(runId) === waiters.length)
    })
    expect(code).toBe(0)
    expect(await Promise.all(waiters.map(({ exited }) => exited))).toEqual(waiters.map(() => 0))
  })

  test("a wait settles the run when the worker's connection closes without an end", async () => {
    rmSync(gate, { force: true })
    Bun.spawnSync(["mkfifo", gate])
    const before = readStarts().length
    const { runId } = JSON.parse((await world.mill(["run", program, "--json"])).stdout)
    await waitFor("the agent to start", () => readStarts().length > before)
    const waiter = world.start(["wait", runId, "--json"])
    await waitFor("the wait to be connected", () => countConnections(runId) === 1)
    process.kill(JSON.parse(readFileSync(join(world.runsDir, runId, "owner.1"), "utf8")).pid, "SIGKILL")
    expect(await waiter.exited).toBe(1)
    expect(JSON.parse(await new Response(waiter.stdout).text()).status).toBe("failed")
  })

  test("waits without the worker's socket", async () => {
    let waiter: ReturnType<typeof world.start> | undefined
    const { code } = await runDuring(async (runId) => {
      rmSync(readFileSync(join(world.runsDir, runId, "control"), "utf8"))
      waiter = world.start(["wait", runId, "--timeout", "60"])
    })
    expect([code, await waiter?.exited]).toEqual([0, 0])
  })

  test("an interrupted run --sync exits with 130 and prints hints, and the run keeps running", async () => {
    rmSync(gate, { force: true })
    Bun.spawnSync(["mkfifo", gate])
    const before = readStarts().length
    const { code, stderr } = await interrupt(
      ["run", program, "--sync"],
      (pid) => readStarts().length > before && isWatching(pid),
    )
    const runId = readStarts().at(-1) ?? ""
    expect(code).toBe(130)
    expect(stderr).toContain(`${runId} is still running`)
    for (const next of ["watch --run", "cancel"]) expect(stderr).toContain(`mill ${next} ${runId}`)
    writeFileSync(gate, "\n")
    expect((await world.mill(["wait", runId, "--timeout", "60"])).code).toBe(0)
  })

  test("a second worker refuses to start, and starts no agent", async () => {
    const before = readStarts().length
    const { code, runId } = await runDuring(async (runId, paths) => {
      const second = await world.mill(["_worker", "--run-id", runId, "--runs-dir", world.runsDir])
      expect(second.code).toBe(1)
      expect(second.stderr).toMatch(/is owned by process \d+, which is still running/)
      expect(readFileSync(paths.eventsFile, "utf8").match(/"type":"run:start"/g)).toHaveLength(1)
    })
    expect(code).toBe(0)
    expect(readStarts().slice(before)).toEqual([runId])
    expect(world.readEvents(runId).map(({ type }) => `${type}`)).toEqual([
      "run:start",
      "run:status",
      "spawn:start",
      "spawn:complete",
      "run:complete",
    ])
  })
})

describe("a cancelled run", () => {
  const runId = `run_${"7".repeat(26)}`
  beforeAll(async () => {
    world.write("empty.ts", "")
    const { record } = await world.run("empty.ts")
    const folder = copyRun(world, record.id, runId)
    const events = world
      .readEvents(runId)
      .map((event) =>
        event.type === "run:complete"
          ? { ...event, type: "run:cancelled", payload: { reason: "enough" } }
          : event,
      )
    writeFileSync(join(folder, "events.ndjson"), events.map((event) => `${JSON.stringify(event)}\n`).join(""))
    for (const name of ["run.json", "result.json"]) rmSync(join(folder, name))
  })
  test("makes wait exit with 130, and status with 0", async () => {
    const wait = await world.mill(["wait", runId, "--json", "--timeout", "60"])
    expect([wait.code, JSON.parse(wait.stdout).status]).toEqual([130, "cancelled"])
    const status = await world.mill(["status", runId])
    expect(status.stdout).toMatch(/cancelled\n\s+enough\n/)
    expect(status.code).toBe(0)
  })
})
