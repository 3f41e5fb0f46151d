/** Following the lines that a program and its agents print. */
import { describe, expect, test } from "bun:test"
import { waitFor, isAlive } from "../support/mill.ts"
import { type Item, parseItems, makeWatchWorld, ticking } from "./watch-world.ts"

const { begin, follow, gate, open, formatSpawn, world } = makeWatchWorld()

describe("mill watch --channel", () => {
  test("prints the lines of the program and its agents that the flags ask for", async () => {
    const go = gate("io")
    const runId =
      await begin(`${ticking}await Promise.all([${formatSpawn(go)}, ${formatSpawn(go)}]); clearInterval(ticker)
console.log("out"); console.error("err"); process.stdout.write("no end")`)
    const watch = (...args: ReadonlyArray<string>) => follow(["--run", runId, "--channel", ...args])
    const [all, io, program, driver, one] = [
      watch("all"),
      watch("io"),
      watch("io", "--source", "program"),
      watch("io", "--source", "driver"),
      watch("all", "--spawn", "spawn_2"),
    ]
    await Promise.all([all, io, program].map(({ waitForText }) => waitForText(`tick`)))
    // These two print nothing yet. When a later watcher prints something, they have been listening for a while.
    await one.waitForText("spawn:start")
    await waitFor("the watchers to start", () => [driver, one].every(({ output }) => output.err !== ""))
    for (let late = 0; late < 3; late += 1) {
      const last = watch("io")
      await last.waitForText("tick")
      last.child.kill("SIGINT")
      await last.end()
    }
    open("io")
    const printed = (
      { items }: Awaited<ReturnType<typeof all.end>>,
      wanted: (item: Item) => boolean = () => true,
    ) =>
      items
        .filter((item) => item.kind === "io" && wanted(item) && !item.line?.startsWith("tick"))
        .map(({ line, source, spawnId = "-", stream }) => `${source} ${spawnId} ${stream} ${line}`)
        .toSorted()
    const agentLines = (spawnId: string) => [
      `driver ${spawnId} stderr agent error ${spawnId}`,
      `driver ${spawnId} stdout agent ${spawnId}`,
      `driver ${spawnId} stdout {"type":"result","text":"done"}`,
      `driver ${spawnId} stdout {"type":"tool_call","toolName":"look"}`,
    ]
    const programLines = ["program - stderr err", "program - stdout no end", "program - stdout out"]
    const agents = [...agentLines("spawn_1"), ...agentLines("spawn_2")]
    const [ofAll, ofIo, ofProgram, ofDriver, ofOne] = await Promise.all(
      [all, io, program, driver, one].map(({ end }) => end()),
    )
    if (!ofAll || !ofIo || !ofProgram || !ofDriver || !ofOne) throw new Error("five have watched")
    expect(printed(ofIo)).toEqual([...agents, ...programLines].toSorted())
    expect(printed(ofAll)).toEqual(printed(ofIo))
    expect(ofAll.items.flatMap(({ event }) => event ?? [])).toEqual([...world.readEvents(runId)])
    expect(ofIo.items.every(({ kind }) => kind === "io")).toBe(true)
    expect(printed(ofProgram)).toEqual(programLines)
    expect(printed(ofDriver)).toEqual(agents.toSorted())
    expect(printed(ofOne)).toEqual(agentLines("spawn_2"))
    const types = ofOne.items.flatMap(({ event }) => event?.type ?? [])
    expect(types).toEqual(["spawn:start", "spawn:tool_call", "spawn:complete", "run:complete"])
    for (const { code, stderr } of [ofAll, ofIo, ofProgram, ofDriver, ofOne]) {
      expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining("not stored") })
    }
  }, 120_000)

  test("reports to a slow reader how many lines it has lost, and does not delay the run", async () => {
    const runId = await begin(`${ticking}await ${formatSpawn(gate("noise"))}; clearInterval(ticker)`, [
      "--driver",
      "noisy",
    ])
    const watcher = world.start(["watch", "--json", "--run", runId, "--channel", "io"])
    const reader = watcher.stdout.getReader()
    const first = await reader.read()
    open("noise")
    expect((await world.mill(["wait", runId, "--timeout", "20"])).code).toBe(0)
    expect(isAlive(watcher.pid)).toBe(true)
    let text = new TextDecoder().decode(first.value)
    const decoder = new TextDecoder()
    for (let next = await reader.read(); !next.done; next = await reader.read())
      text += decoder.decode(next.value, { stream: true })
    const received = parseItems(text)
    const numbers = received.flatMap(({ line = "" }) =>
      line.startsWith("noise") ? [Number(line.split(" ")[1])] : [],
    )
    const dropped = received.reduce((sum, { lines = 0 }) => sum + lines, 0)
    expect(numbers).toEqual(numbers.toSorted((one, other) => one - other))
    expect(dropped).toBeGreaterThan(0)
    expect(numbers.at(-1)).toBe(100_000)
    const others = received.filter(({ line }) => line?.startsWith("{")).length
    expect(numbers.length + others + dropped).toBeGreaterThanOrEqual(100_000)
    expect(await watcher.exited).toBe(0)
  }, 120_000)

  test("counts an agent's lines that are too long to show", async () => {
    const runId = await begin(`${ticking}await ${formatSpawn(gate("lines"))}; clearInterval(ticker)`, [
      "--driver",
      "long",
    ])
    const { end, waitForText } = follow(["--run", runId, "--channel", "io"])
    await waitForText("tick")
    open("lines")
    const { items } = await end()
    const found = items.filter(({ kind, source }) => kind === "dropped" || source === "driver")
    expect(found.map(({ kind, line, lines }) => (kind === "dropped" ? lines : line))).toEqual([
      "before",
      1,
      "after",
      `{"type":"result","text":"done"}`,
    ])
  })
})
