/** References to runs, and the list of runs. */
import { beforeAll, describe, expect, test } from "bun:test"
import { rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { RunRecord } from "../../src/domain/run.schema.ts"
import { copyRun, makeWorld, waitForNoProcess } from "../support/mill.ts"

const world = makeWorld()
const id = (n: number) => `run_01m7${n}${"0".repeat(21)}`
const ids = [1, 2, 3, 4, 5].map(id)

beforeAll(async () => {
  world.write("good.ts", `export default 1`)
  world.write("bad.ts", `throw new Error("oh")`)
  const [good, bad] = await Promise.all(
    ["good.ts", "bad.ts"].map((file) => world.run(file, ["--driver", "offline"])),
  )
  for (const n of [1, 2, 4, 5]) copyRun(world, good?.record.id ?? "", id(n))
  copyRun(world, bad?.record.id ?? "", id(3))
  // A worker that is still cleaning up could write files again.
  for (const one of [good, bad]) await waitForNoProcess(one?.record.id ?? "")
  for (const one of [good, bad])
    rmSync(join(world.runsDir, one?.record.id ?? "x"), { recursive: true, force: true })
})

const listRuns = async (...args: ReadonlyArray<string>) => {
  const { code, stderr, stdout } = await world.mill(["ls", "--json", ...args])
  const runs: ReadonlyArray<RunRecord> = JSON.parse(stdout)
  return { code, stderr, ids: runs.map((run) => `${run.id}`), statuses: runs.map(({ status }) => status) }
}

describe("a reference to a run", () => {
  const findRun = async (reference: string) => {
    const { code, stdout } = await world.mill(["status", reference, "--json"])
    return { code, ...JSON.parse(stdout) }
  }
  test.concurrent.each([
    ["by its id", id(2), id(2)],
    ["by the beginning of it", "run_01m73", id(3)],
    ["by last, which is the newest", "last", id(5)],
  ])("%s", async (_, reference, expected) => {
    const found = await findRun(reference)
    expect([found.code, found.id]).toEqual([0, expected])
  })
  test.concurrent("is refused if it is the prefix of several ids", async () => {
    const { code, error } = await findRun("run_01m7")
    expect([code, error._tag]).toEqual([2, "UsageError"])
    expect(error.message).toMatch(/run_01m7 is ambiguous: 5 run ids start with it/)
    expect(error.hint).toContain(id(5))
  })
  test.concurrent.each(["../../evil", "/etc", "run_*", "x".repeat(129)])(
    "is refused if it is %j, which could be outside the store",
    async (reference) => {
      const { code, error } = await findRun(reference)
      expect([code, error._tag]).toEqual([2, "UsageError"])
    },
  )
})

describe("ls", () => {
  test.concurrent("lists runs, newest first", async () => {
    expect(await listRuns()).toEqual({
      code: 0,
      stderr: "",
      ids: ids.toReversed(),
      statuses: ["complete", "complete", "failed", "complete", "complete"],
    })
  })
  test.concurrent("filters before it limits", async () => {
    expect((await listRuns("--limit", "2")).ids).toEqual([id(5), id(4)])
    expect((await listRuns("--status", "failed", "--limit", "1")).ids).toEqual([id(3)])
    expect((await listRuns("--status", "complete", "--limit", "3")).ids).toEqual([id(5), id(4), id(2)])
    expect((await listRuns("--status", "running")).ids).toEqual([])
  })
  test.concurrent("prints that there are no runs", async () => {
    const nothing = await world.mill(["ls", "--runs-dir", "empty"])
    expect(nothing).toEqual({
      code: 0,
      stdout: "there are no runs yet; start one with: mill run <program.ts>\n",
      stderr: "",
    })
    const json = await world.mill(["ls", "--runs-dir", "empty", "--json"])
    expect(json.stdout).toBe("[]\n")
  })
})

test("ls skips unreadable runs and reports them on stderr", async () => {
  writeFileSync(join(world.runsDir, id(4), "run.json"), "{")
  writeFileSync(join(world.runsDir, id(4), "plan.json"), `{"planVersion":99}`)
  world.write("home/runs/run_empty/keep", "")
  world.write("home/runs/not-a-run", "a file")
  world.write("home/runs/.new-run_01/plan.json", "{}")
  const listed = await listRuns()
  expect([listed.code, listed.ids]).toEqual([0, [id(5), id(3), id(2), id(1)]])
  const warnings = listed.stderr.trim().split("\n")
  expect(warnings.length).toBe(2)
  expect(listed.stderr).toContain(`warning: ${id(4)}: `)
  expect(listed.stderr).toContain(
    "warning: ignoring 2 entries in the runs directory that mill does not recognize",
  )
  const people = await world.mill(["ls"])
  for (const name of [id(5), id(3), id(2), id(1)]) expect(people.stdout).toContain(name)
  expect(people.stdout).not.toContain(id(4))
})
