/** Following the events of runs: all of them, in order, live, until the end. */
import { describe, expect, test } from "bun:test"
import { existsSync, rmSync } from "node:fs"
import { join } from "node:path"
import { waitFor, millCommand } from "../support/mill.ts"
import { parseItems, makeWatchWorld } from "./watch-world.ts"

const { begin, follow, gate, open, formatSpawn, world } = makeWatchWorld()

describe("mill watch", () => {
  test("prints 100,000 events in order to each of two watchers, and exits with the run", async () => {
    const runId = await begin(`await ${formatSpawn(gate("tools"))}`, ["--driver", "busy"])
    const watchers = [follow(["--run", runId]), follow(["--run", runId])]
    const waiting = world.mill(["wait", runId, "--timeout", "60"])
    await Promise.all(watchers.map(({ waitForText }) => waitForText(`"spawn:start"`)))
    open("tools")
    const ends = await Promise.all(watchers.map(({ end }) => end()))
    expect(ends.map(({ code }) => code)).toEqual([0, 0])
    expect((await waiting).code).toBe(0)
    const logged = world.readEvents(runId)
    expect(logged.length).toBe(100_005)
    expect(logged.every(({ sequence }, index) => sequence === index + 1)).toBe(true)
    for (const { items } of ends) {
      const same =
        items.length === logged.length && items.every(({ event }, at) => Bun.deepEquals(event, logged[at]))
      expect(same).toBe(true)
    }
  }, 120_000)

  test("replays a run that has ended, and exits with its status", async () => {
    const done = await begin(`console.log("gone by"); export default 1`)
    const broken = await begin(`throw new Error("broken")`)
    const all = await Promise.all([done, broken].map((runId) => follow(["--run", runId]).end()))
    expect(all.map(({ code }) => code)).toEqual([0, 1])
    expect(all.map((watched) => watched.items.map(({ event }) => event?.type))).toEqual([
      ["run:start", "run:status", "run:complete"],
      ["run:start", "run:status", "run:failed"],
    ])
    const io = await follow(["--run", done, "--channel", "all"]).end()
    expect(io.items.map(({ kind }) => kind)).toEqual(["event", "event", "event"])
    expect(io.stderr).toContain("earlier output is not stored")
    expect(await follow(["--run", done, "--channel", "io"]).end()).toMatchObject({ code: 0, items: [] })
  }, 120_000)

  test("prints events while the run is live, and exits after the last one", async () => {
    const runId = await begin(`mill.log("first"); await ${formatSpawn(gate("goes"))}; mill.log("second")`)
    const watcher = follow(["--run", runId])
    await watcher.waitForText(`"spawn:start"`)
    expect(watcher.output.out).not.toContain("second")
    open("goes")
    const { code, items, stderr } = await watcher.end()
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
    expect(items.map(({ event }) => event)).toEqual([...world.readEvents(runId)])
  }, 120_000)

  test("without --run follows all live runs, and those that start", async () => {
    await (
      await world.run(world.write("over.ts", "export default 1"))
    ).record
    const before = await begin(`await ${formatSpawn(gate("both"))}`)
    const watcher = follow([])
    await watcher.waitForText(before)
    const after = await begin(`await ${formatSpawn(gate("both"))}`)
    await watcher.waitForText(after)
    open("both")
    await waitFor("the ends of both runs", () => watcher.output.out.split(`"run:complete"`).length > 2)
    watcher.child.kill("SIGINT")
    const { code, items } = await watcher.end()
    expect(code).toBe(130)
    expect([...new Set(items.map(({ runId }) => runId))]).toEqual([before, after])
    for (const runId of [before, after]) {
      const events = items.filter((item) => item.runId === runId).map(({ event }) => event)
      expect(events).toEqual([...world.readEvents(runId)])
    }
  }, 120_000)

  test("continues when one of several runs cannot be read", async () => {
    const broken = await begin(`await ${formatSpawn(gate("torn"))}`)
    const watcher = follow([])
    await watcher.waitForText(broken)
    rmSync(join(world.runsDir, broken), { recursive: true })
    const other = await begin(`export default 1`)
    await waitFor("the end of the other run", () =>
      parseItems(watcher.output.out).some(
        ({ event, runId }) => runId === other && event?.type === "run:complete",
      ),
    )
    await waitFor("the error for the lost run", () => watcher.output.err.includes(broken))
    watcher.child.kill("SIGINT")
    expect((await watcher.end()).code).toBe(130)
    open("torn")
  }, 120_000)

  test("exits at once when its reader closes the pipe, even while the run is silent", async () => {
    const runId = await begin(`await ${formatSpawn(gate("silent"))}`)
    const line = `"$@" watch --run ${runId} | head -1; echo "left"`
    const shell = Bun.spawn(["sh", "-c", line, "sh", ...millCommand], {
      cwd: world.dir,
      env: { ...process.env, MILL_HOME: join(world.dir, "home") },
      stdout: "pipe",
      stderr: "pipe",
    })
    expect(await new Response(shell.stdout).text()).toMatch(/^[^\n]+\nleft\n$/)
    expect(await new Response(shell.stderr).text()).toBe("")
    expect(existsSync(join(world.runsDir, runId, "result.json"))).toBe(false)
    open("silent")
    expect((await world.mill(["wait", runId, "--timeout", "20"])).code).toBe(0)
  }, 120_000)

  test("exits with 130 on Ctrl-C, and the run keeps running", async () => {
    const runId = await begin(`await ${formatSpawn(gate("continues"))}`)
    const watchers = ["events", "io", "all"].map((channel) => follow(["--run", runId, "--channel", channel]))
    await Promise.all([watchers[0]?.waitForText("spawn:start"), watchers[2]?.waitForText("spawn:start")])
    await waitFor("the second watcher to start", () => watchers[1]?.output.err !== "")
    for (const { child } of watchers) child.kill("SIGINT")
    const ends = await Promise.all(watchers.map(({ end }) => end()))
    expect(ends.map(({ code }) => code)).toEqual([130, 130, 130])
    open("continues")
    expect((await world.mill(["wait", runId, "--timeout", "20"])).code).toBe(0)
  }, 120_000)
})
