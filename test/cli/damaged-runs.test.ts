/** The event log is the truth: other lost files are rebuilt from it, and damage to it is reported. */
import { beforeAll, describe, expect, test } from "bun:test"
import { appendFileSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import {
  copyRun,
  type FinishedRun,
  listEntries,
  formatJsonlDriver,
  makeWorld,
  writeConfig,
  writeScript,
} from "../support/mill.ts"

const world = makeWorld()
const long = "0123456789".repeat(500)
writeConfig(world, {
  instant: formatJsonlDriver(writeScript(world, "instant", `echo '{"type":"result","text":"${long}"}'`)),
})

let original: FinishedRun
let count = 0
beforeAll(async () => {
  const program = world.write(
    "program.ts",
    `mill.log("one")
const { text } = await mill.spawn({ agent: "a", systemPrompt: "s", prompt: "p", model: "m" })
mill.log("two")
export default text.length`,
  )
  original = await world.run(program)
})

/** Copies the run and damages the files of the copy. */
const damageCopy = (damage: (file: (name: string) => string) => void) => {
  count += 1
  // The first ten characters after `run_` are the time.
  const runId = `${original.record.id.slice(0, 14)}${String(count).padStart(16, "0")}`
  const folder = copyRun(world, original.record.id, runId)
  damage((name) => join(folder, name))
  return { runId, folder }
}

test("the last event of the log has the beginning of each answer, and the result has all of it", () => {
  const last = original.events.at(-1)
  const cut = last?.type === "run:complete" ? last.payload.result.spawns.map(({ text }) => text) : []
  expect(cut).toEqual([long.slice(0, 200)])
  expect(original.result.spawns.map(({ text }) => text)).toEqual([long])
})

const readLines = (file: string) => readFileSync(file, "utf8").trimEnd().split("\n")
const parseAsOriginal = (runId: string, text: string) =>
  JSON.parse(text.replaceAll(runId, original.record.id))

describe("a run that has ended is read back as it was", () => {
  const losses: Readonly<Record<string, (file: (name: string) => string) => void>> = {
    "without its run.json": (file) => rmSync(file("run.json")),
    "with half of its run.json": (file) => truncateSync(file("run.json"), 200),
    "with an older run.json": (file) => {
      const pending = { ...JSON.parse(readFileSync(file("run.json"), "utf8")), status: "running" }
      writeFileSync(file("run.json"), JSON.stringify(pending))
    },
    "without both snapshots": (file) => ["run.json", "result.json"].forEach((name) => rmSync(file(name))),
    "with a torn last line in its log": (file) => {
      rmSync(file("run.json"))
      appendFileSync(file("events.ndjson"), `{"schemaVersion":1,"runId":"run_`)
    },
  }
  test.concurrent.each(Object.entries(losses))("%s", async (_, damage) => {
    const { folder, runId } = damageCopy(damage)
    const status = await world.mill(["status", runId, "--json"])
    expect(status.stderr).toBe("")
    expect(parseAsOriginal(runId, status.stdout)).toEqual(original.record)
    expect(status.code).toBe(0)
    const result = readFileSync(join(folder, "result.json"), "utf8")
    expect(parseAsOriginal(runId, result)).toEqual(original.result)
  })
})

test("wait returns at once for a run that has ended and lost its snapshots", async () => {
  const { runId } = damageCopy((file) => ["run.json", "result.json"].forEach((name) => rmSync(file(name))))
  const { code, stdout } = await world.mill(["wait", runId, "--timeout", "60"])
  expect(stdout).toMatch(/1 complete[^]*Result\n\s+5000/)
  expect(code).toBe(0)
})

// Without --json, `status` reads the result, which is not rebuilt while run.json says that the run has ended.
test("a run that has lost its result.json is read back as it was", async () => {
  const { runId } = damageCopy((file) => rmSync(file("result.json")))
  const { code, stdout } = await world.mill(["status", runId])
  expect(stdout).toMatch(/Result\n\s+5000/)
  expect(code).toBe(0)
})

test("a run whose final event is torn has lost its worker", async () => {
  const { folder, runId } = damageCopy((file) => {
    rmSync(file("run.json"))
    const log = file("events.ndjson")
    truncateSync(log, readFileSync(log).length - 20)
  })
  const { code, stdout } = await world.mill(["wait", runId, "--json", "--timeout", "60"])
  expect(JSON.parse(stdout)).toMatchObject({
    id: runId,
    status: "failed",
    spawns: { complete: 1, running: 0 },
  })
  expect(code).toBe(1)
  const events = readLines(join(folder, "events.ndjson")).map((line) => JSON.parse(line))
  expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => index + 1))
  expect(events.at(-1)).toMatchObject({ type: "run:failed", payload: { cause: "worker-lost" } })
})

describe("a damaged log shows what can be read, and names the damage", () => {
  type Case = {
    readonly damage: (lines: ReadonlyArray<string>) => ReadonlyArray<string>
    readonly message: RegExp
  }
  const editLine = (index: number, change: (event: object) => unknown) => (lines: ReadonlyArray<string>) =>
    lines.map((line, at) => (at === index ? JSON.stringify(change(JSON.parse(line))) : line))
  const cases: Readonly<Record<string, Case>> = {
    "garbage in the middle": {
      damage: (lines) => [...lines.slice(0, 2), "\0\0\u001b[31m garbage", ...lines.slice(3)],
      message: /line 3 .*not JSON/,
    },
    "an empty line": {
      damage: (lines) => [...lines.slice(0, 1), "", ...lines.slice(1)],
      message: /line 2 /,
    },
    "JSON that is not an event": {
      damage: (lines) => [...lines.slice(0, 3), "[1]", ...lines.slice(4)],
      message: /line 4 .*not an event/,
    },
    "an event with a missing field": {
      damage: editLine(1, (event) => ({ ...event, payload: {} })),
      message: /line 2 /,
    },
    "a missing line": {
      damage: (lines) => lines.filter((_, index) => index !== 1),
      message: /event 2 is missing/,
    },
    "an event after the end": {
      damage: (lines) => [
        ...lines,
        ...editLine(0, (event) => ({
          ...event,
          sequence: lines.length + 1,
          type: "run:log",
          payload: { message: "x" },
        }))([lines[0] ?? ""]),
      ],
      message: /\(run:log\): the run has already ended \(complete\)/,
    },
  }
  test.concurrent.each(Object.entries(cases))("%s", async (_, { damage, message }) => {
    const { runId } = damageCopy((file) => {
      for (const name of ["run.json", "result.json"]) rmSync(file(name))
      writeFileSync(file("events.ndjson"), `${damage(readLines(file("events.ndjson"))).join("\n")}\n`)
    })
    const { code, stderr, stdout } = await world.mill(["status", runId, "--json"])
    const record = JSON.parse(stdout)
    expect(record).toMatchObject({ id: runId, status: "complete", damage: [{ file: "events.ndjson" }] })
    expect(record.damage[0].message).toMatch(message)
    expect(stderr).toBe(`warning: ${runId}: ${record.damage[0].message}\n`)
    expect(stderr).not.toContain("\u001b")
    expect(stderr).not.toMatch(/Schema|\n\s+at /)
    expect(code).toBe(1)
    const [waited, watched, listed, cancelled] = await Promise.all(
      [
        ["wait", runId, "--timeout", "60"],
        ["watch", "--run", runId],
        ["ls", "--json"],
        ["cancel", runId, "--json"],
      ].map((args) => world.mill(args)),
    )
    expect([waited?.code, watched?.code, listed?.code, cancelled?.code]).toEqual([1, 1, 0, 0])
    expect(watched?.stdout).toMatch(/complete/)
    expect(listed?.stdout).toContain(runId)
    expect(JSON.parse(cancelled?.stdout ?? "")).toEqual({ runId, status: "complete", alreadyTerminal: true })
  })

  test("but the log of a newer version of mill is not damaged", async () => {
    const { runId } = damageCopy((file) => {
      rmSync(file("run.json"))
      const lines = editLine(2, (event) => ({ ...event, schemaVersion: 7 }))(readLines(file("events.ndjson")))
      writeFileSync(file("events.ndjson"), `${lines.join("\n")}\n`)
    })
    const { code, stdout } = await world.mill(["status", runId, "--json"])
    expect(JSON.parse(stdout).error).toMatchObject({ _tag: "UnsupportedVersion", lineNumber: 3, found: "7" })
    expect(JSON.parse(stdout).error.message).toMatch(/line 3 .*version 7; .*reads version 1/)
    expect(code).toBe(1)
  })
})

test("if the end of the log is damaged, the status comes from the result", async () => {
  const { runId } = damageCopy((file) => {
    rmSync(file("run.json"))
    writeFileSync(file("events.ndjson"), `garbage\n`)
  })
  const { code, stdout } = await world.mill(["status", runId, "--json"])
  expect(JSON.parse(stdout)).toMatchObject({
    status: "complete",
    completedAt: original.result.completedAt,
    spawns: original.record.spawns,
    damage: [{ file: "events.ndjson" }],
  })
  expect(code).toBe(1)
})

test("a run whose damaged log has no end is lost, and is not settled", async () => {
  const { folder, runId } = damageCopy((file) => {
    for (const name of ["run.json", "result.json"]) rmSync(file(name))
    const lines = readLines(file("events.ndjson"))
    writeFileSync(file("events.ndjson"), `${[lines[0], "garbage"].join("\n")}\n`)
  })
  const before = readFileSync(join(folder, "events.ndjson"), "utf8")
  const owners = listEntries(folder).filter((name) => name.startsWith("owner."))
  const { code, stdout } = await world.mill(["wait", runId, "--timeout", "60", "--json"])
  expect(JSON.parse(stdout)).toMatchObject({ status: "failed", damage: [{ file: "events.ndjson" }] })
  expect(code).toBe(1)
  expect(readFileSync(join(folder, "events.ndjson"), "utf8")).toBe(before)
  expect(listEntries(folder).filter((name) => name.startsWith("owner."))).toEqual([...owners])
})

describe("a damaged plan does not hide the run", () => {
  const cases: Readonly<Record<string, ReadonlyArray<string>>> = {
    "with its snapshots": [],
    "without its run.json": ["run.json"],
    "without its snapshots": ["run.json", "result.json"],
  }
  test.concurrent.each(Object.entries(cases))("%s", async (_, lost) => {
    const { runId } = damageCopy((file) => {
      for (const name of lost) rmSync(file(name))
      writeFileSync(file("plan.json"), "{")
    })
    const { code, stderr, stdout } = await world.mill(["status", runId, "--json"])
    const { programPath, spawns, status } = original.record
    expect(JSON.parse(stdout)).toMatchObject({ id: runId, programPath, spawns, status, driver: "instant" })
    expect(stderr).toMatch(/plan\.json: the file is damaged/)
    expect(code).toBe(0)
    const shown = await world.mill(["status", runId])
    expect(shown.stdout).toMatch(/Result\n\s+5000/)
    expect(shown.code).toBe(0)
  })
})

describe("a log that an editor has saved is not damaged", () => {
  const edits: Readonly<Record<string, (text: string) => string>> = {
    "with a byte order mark": (text) => `\uFEFF${text}`,
    "with CRLF line ends": (text) => text.replaceAll("\n", "\r\n"),
  }
  test.concurrent.each(Object.entries(edits))("%s", async (_, edit) => {
    const { runId } = damageCopy((file) => {
      rmSync(file("run.json"))
      writeFileSync(file("events.ndjson"), edit(readFileSync(file("events.ndjson"), "utf8")))
    })
    const { code, stdout } = await world.mill(["status", runId, "--json"])
    expect(parseAsOriginal(runId, stdout)).toEqual(original.record)
    expect(code).toBe(0)
  })
})

describe("a second end in the log", () => {
  const extraEnds: Readonly<Record<string, readonly [type: string, problem: RegExp]>> = {
    "of the run": ["run:complete", /event 8 .*the run has already ended \(complete\)/],
    "of a spawn": ["spawn:complete", /event 6 .*spawn_1 has already ended/],
  }
  const commands = [["status"], ["status", "--json"], ["wait"], ["watch", "--run"]]
  const cases = Object.keys(extraEnds).flatMap((which) =>
    commands.flatMap((command) => [true, false].map((hasSnapshots) => ({ which, command, hasSnapshots }))),
  )
  test.each(cases)(
    "$which is damage that $command reports (snapshots: $hasSnapshots)",
    async ({ command, hasSnapshots, which }) => {
      const [type, problem] = extraEnds[which] ?? ["", /^$/]
      const { runId } = damageCopy((file) => {
        if (!hasSnapshots) for (const name of ["run.json", "result.json"]) rmSync(file(name))
        const events = readLines(file("events.ndjson")).map((line) => JSON.parse(line))
        const doubled = events.flatMap((event) => (event.type === type ? [event, event] : [event]))
        const lines = doubled.map((event, index) => `${JSON.stringify({ ...event, sequence: index + 1 })}\n`)
        writeFileSync(file("events.ndjson"), lines.join(""))
      })
      const { code, stderr } = await world.mill([...command, runId])
      expect(stderr).toMatch(problem)
      expect(code).toBe(1)
    },
  )
})

test("an event of an unknown type is ignored", async () => {
  const { runId } = damageCopy((file) => {
    rmSync(file("run.json"))
    const lines = readLines(file("events.ndjson")).map((line) => JSON.parse(line))
    const unknown = { ...lines[0], type: "spawn:dreamt", payload: { spawnId: "spawn_1", of: ["sheep"] } }
    const events = [...lines.slice(0, 3), unknown, ...lines.slice(3)]
    const text = events.map((event, index) => `${JSON.stringify({ ...event, sequence: index + 1 })}\n`)
    writeFileSync(file("events.ndjson"), text.join(""))
  })
  const { code, stdout } = await world.mill(["status", runId, "--json"])
  expect(parseAsOriginal(runId, stdout)).toEqual(original.record)
  expect(code).toBe(0)
})

test("no temporary files are left in a run's folder", () => {
  const names = listEntries(original.record.paths.runDir)
  expect(names.filter((name) => name.includes("tmp") || name === "reserve")).toEqual([])
})
