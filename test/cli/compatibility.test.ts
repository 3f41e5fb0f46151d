/** Flags and fields that clients of earlier versions use. */
import { beforeAll, describe, expect, test } from "bun:test"
import { type FinishedRun, makeWorld } from "../support/mill.ts"

const world = makeWorld()
const program = world.write(
  "program.ts",
  `mill.log("one")
await Bun.sleep(20)
mill.log("two")
export default mill.run.metadata`,
)
let finished: FinishedRun
beforeAll(async () => {
  finished = await world.run(program, [
    "--driver",
    "offline",
    "--meta",
    "a=1",
    "--meta-json",
    JSON.stringify({ b: '2 = "two"', a: "1" }),
  ])
})

describe("--meta-json", () => {
  test("adds metadata in addition to --meta", () => {
    expect(finished.record.metadata).toEqual({ a: "1", b: '2 = "two"' })
    expect(finished.result.programResult).toEqual({ a: "1", b: '2 = "two"' })
  })

  test.concurrent.each([
    ["{", /not valid JSON/],
    ["[1]", /the value is an array; expected an object/],
    ["null", /the value is null; expected an object/],
    ['{"b":2}', /b is 2; expected a string/],
    ['{"b":{"c":"d"}}', /b is an object; expected a string/],
    ['{"a":"other"}', /--meta and --meta-json have different values for "a"/],
  ])("refuses %s", async (json, message) => {
    const args = ["run", program, "--driver", "offline", "--meta", "a=1", "--meta-json", json, "--json"]
    const { code, stdout } = await world.mill(args)
    expect(JSON.parse(stdout).error).toMatchObject({
      _tag: "UsageError",
      message: expect.stringMatching(message),
    })
    expect(code).toBe(2)
  })
})

describe("--driver is ignored by commands that look at runs", () => {
  test.concurrent.each(["status last", "wait last --timeout 60", "watch --run last", "ls", "cancel last"])(
    "%s",
    async (line) => {
      const args = line.split(" ")
      const { code, stderr } = await world.mill([...args, "--driver", "whatever", "--json"])
      expect([code, stderr]).toEqual([0, ""])
      const misspelt = await world.mill([...args, "--drivr", "whatever", "--json"])
      expect(misspelt.code).toBe(2)
      expect(JSON.parse(misspelt.stdout).error.message).toMatch(/unrecognized flag: --drivr/)
      const help = await world.mill([String(args[0]), "--help"])
      expect(help.stdout).not.toContain("--driver")
    },
  )
})

describe("watch --since-time", () => {
  const watch = async (...args: ReadonlyArray<string>) => {
    const { code, stderr, stdout } = await world.mill(["watch", "--run", "last", "--json", ...args])
    const lines = stdout.split("\n").filter((line) => line !== "")
    return { code, stderr, lines: lines.map((line) => JSON.parse(line)) }
  }
  const second = () => {
    const event = finished.events.findLast(({ type }) => type === "run:log")
    return event?.timestamp ?? ""
  }

  test.concurrent("shows the events from this time on", async () => {
    const expected = finished.events.filter(({ timestamp }) => timestamp >= second())
    expect(expected.length).toBeGreaterThan(1)
    expect(expected.length).toBeLessThan(finished.events.length)
    for (const time of [second(), String(Date.parse(second()))]) {
      const { code, lines } = await watch("--since-time", time)
      expect(code).toBe(0)
      expect(lines.map(({ event }) => event)).toEqual(expected)
    }
  })

  test.concurrent("shows everything since 0, and nothing of a run that ended before", async () => {
    expect((await watch("--since-time", "0")).lines.length).toBe(finished.events.length)
    expect(await watch("--since-time", "2100-01-01T00:00:00Z")).toEqual({ code: 0, stderr: "", lines: [] })
  })

  test.concurrent("combines with the other filters", async () => {
    const { lines } = await watch("--since-time", second(), "--spawn", "spawn_1")
    expect(lines.map(({ event }) => event.type)).toEqual(["run:complete"])
  })

  test.concurrent.each([
    ["2026-02-30", /expected an ISO 8601 time or milliseconds since 1970/],
    ["yesterday", /expected an ISO 8601 time or milliseconds since 1970/],
    ["", /expected an ISO 8601 time/],
    ["2026-13-45T00:00:00Z", /expected an ISO 8601 time/],
    ["1795292518", /is too small to be milliseconds/],
    ["-5", /expected|unrecognized/],
  ])("refuses %j", async (time, message) => {
    const { code, stdout } = await world.mill(["watch", "--run", "last", `--since-time=${time}`, "--json"])
    expect(JSON.parse(stdout).error.message).toMatch(message)
    expect(code).toBe(2)
  })
})

test("the error of a timed-out wait also has the field names that earlier clients read", async () => {
  const endless = world.write("endless.ts", `await Bun.sleep(60_000)`)
  const { runId } = JSON.parse((await world.mill(["run", endless, "--driver", "offline", "--json"])).stdout)
  const { code, stdout } = await world.mill(["wait", runId, "--timeout", "0.05", "--json"])
  expect(JSON.parse(stdout).error).toMatchObject({
    _tag: "WaitTimeout",
    run: runId,
    seconds: 0.05,
    runId,
    timeoutSeconds: 0.05,
  })
  expect(code).toBe(124)
  await world.mill(["cancel", runId])
})
