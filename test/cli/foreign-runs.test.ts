/** Entries in the runs directory that are not this version's runs: runs of older versions, and files of other tools and editors. */
import { beforeAll, describe, expect, test } from "bun:test"
import { mkdirSync, readdirSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { type FinishedRun, makeWorld } from "../support/mill.ts"

const world = makeWorld()
const older = {
  ended: "run_0b6b1c1e-33f4-4a39-9a43-0a6f0f7f2a11",
  running: "run_f1d3c2ab-9e54-4a31-8f0c-8c1de0a1b222",
  notARun: "run_ffffffff-0000-4000-8000-000000000000",
  file: "run_notes",
}
const at = "2020-01-02T03:04:05.000Z"
const writeOlder = (id: string, status: string) => {
  const write = (name: string, text: string) => world.write(`home/runs/${id}/${name}`, text)
  write(
    "run.json",
    JSON.stringify({
      id,
      status,
      programPath: "/old/program.ts",
      driver: "default",
      createdAt: at,
      extra: [1],
    }),
  )
  const event = (sequence: number, type: string, payload: object) =>
    `${JSON.stringify({ schemaVersion: 1, runId: id, sequence, timestamp: at, type, payload })}\n`
  // An older `run:start` has no planId.
  write(
    "events.ndjson",
    event(1, "run:start", { programPath: "/old/program.ts" }) +
      event(2, "spawn:start", { spawnId: "spawn_abc" }) +
      (status === "complete" ? event(3, "run:complete", { result: { status } }) : ""),
  )
}

/** All files below a directory, with their contents and times. */
const readTree = (directory: string): ReadonlyArray<unknown> =>
  readdirSync(directory, { recursive: true })
    .map(String)
    .toSorted()
    .map((name) => {
      const path = join(directory, name)
      const { mtimeMs } = statSync(path)
      return [name, mtimeMs, statSync(path).isFile() ? readFileSync(path, "utf8") : undefined]
    })

let own: FinishedRun
let before: ReadonlyArray<unknown>
const readOlderTrees = () => [older.ended, older.running].map((id) => readTree(join(world.runsDir, id)))
beforeAll(async () => {
  own = await world.run(world.write("program.ts", `export default 1`), ["--driver", "offline"])
  writeOlder(older.ended, "complete")
  writeOlder(older.running, "running")
  mkdirSync(join(world.runsDir, older.notARun))
  world.write(`home/runs/${older.file}`, "a file")
  world.write("home/runs/.DS_Store", "finder")
  world.write("home/runs/notes.txt~", "an editor's backup")
  world.write("home/runs/other-tool/state.json", "{}")
  before = readOlderTrees()
})

const ask = async (...args: ReadonlyArray<string>) => {
  const { code, stderr, stdout } = await world.mill([...args, "--json"])
  return { code, stderr, value: stdout === "" ? undefined : JSON.parse(stdout) }
}

test("last is the newest of mill's own runs", async () => {
  expect((await ask("status", "last")).value.id).toBe(own.record.id)
})

test("ls lists the runs that it can read and counts the rest once", async () => {
  const { code, stderr, value } = await ask("ls")
  expect(code).toBe(0)
  expect(value.map(({ id }: { id: string }) => id).toSorted()).toEqual(
    [own.record.id, older.ended, older.running].toSorted(),
  )
  expect(value[0].id).toBe(own.record.id)
  expect(stderr).toBe("warning: ignoring 4 entries in the runs directory that mill does not recognize\n")
  const limited = await ask("ls", "--limit", "1")
  expect(limited.value.length).toBe(1)
  const running = await ask("ls", "--status", "running")
  expect(running.value.map(({ id }: { id: string }) => id)).toEqual([older.running])
})

describe("a run of an older version is read", () => {
  test.concurrent("by status, also by a prefix", async () => {
    for (const reference of [older.ended, older.ended.slice(0, 12)]) {
      const { code, stderr, value } = await ask("status", reference)
      expect(value).toMatchObject({
        id: older.ended,
        status: "complete",
        programPath: "/old/program.ts",
        driver: "default",
        executor: "unknown",
        createdAt: at,
        spawns: { started: 1, running: 1, complete: 0, error: 0, cancelled: 0 },
      })
      expect([code, stderr]).toEqual([0, ""])
    }
    const shown = await world.mill(["status", older.ended])
    expect(shown.stdout).toContain(`${older.ended} complete`)
    expect(shown.code).toBe(0)
  })
  test.concurrent("by wait and watch", async () => {
    const { code, value } = await ask("wait", older.ended, "--timeout", "60")
    expect([code, value.status]).toEqual([0, "complete"])
    const watched = await world.mill(["watch", "--run", older.ended, "--json"])
    const types = watched.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).event.type)
    expect(types).toEqual(["run:start", "spawn:start", "run:complete"])
    expect(watched.code).toBe(0)
  })
  test.concurrent("but cancel leaves it as it was", async () => {
    const { code, value } = await ask("cancel", older.ended)
    expect([code, value]).toEqual([0, { runId: older.ended, status: "complete", alreadyTerminal: true }])
  })
})

describe("a run of an older version that has not ended is left alone", () => {
  test.concurrent("status shows it", async () => {
    const { code, value } = await ask("status", older.running)
    expect([code, value.status]).toEqual([0, "running"])
  })
  test.concurrent.each(["wait", "cancel", "watch --run"])(
    "%s fails at once with the reason",
    async (line) => {
      const { code, stdout } = await world.mill([...line.split(" "), older.running, "--json"])
      const { error } = JSON.parse(stdout.trim().split("\n").at(-1) ?? "")
      expect(error).toMatchObject({
        _tag: "StoreError",
        message: expect.stringMatching(/started by an older version of mill/),
      })
      expect(code).toBe(1)
    },
  )
})

test.each([older.notARun, older.file])("every command reports that %s is not a run", async (name) => {
  for (const args of [["status"], ["wait", "--timeout", "60"], ["watch", "--run"], ["cancel"]]) {
    const { code, value } = await ask(...args, name)
    expect(value.error).toMatchObject({ _tag: "RunNotFound", run: name })
    expect(value.error.message).toMatch(/is not a mill run/)
    expect(code).toBe(3)
  }
})

test("the runs of older versions are unchanged", () => {
  expect(JSON.stringify(readOlderTrees())).toBe(JSON.stringify(before))
})
