/** One of many candidates owns a run; a dead owner is followed, a live one never. */
import { afterAll, describe, expect, test } from "bun:test"
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Exit, ManagedRuntime } from "effect"
import { RunId } from "../../../src/domain/ids.schema.ts"
import { readLastOwner, takeOwnership } from "../../../src/internal/store/owner-lock.effect.ts"
import { layer } from "../../../src/runtime/platform/platform.effect.ts"

const runtime = ManagedRuntime.make(layer)
const root = mkdtempSync(join(tmpdir(), "mill-test-"))
const children: Array<Bun.Subprocess> = []
afterAll(async () => {
  for (const child of children) child.kill("SIGKILL")
  await runtime.dispose()
  rmSync(root, { recursive: true, force: true })
})

const runId = RunId.make("run_1")
const dead = { pid: 999_999_999, startTime: "long ago" }
const newRun = (owner?: object) => {
  const runDir = mkdtempSync(join(root, "run-"))
  if (owner !== undefined) writeFileSync(join(runDir, "owner.1"), JSON.stringify(owner))
  return runDir
}
const owners = (runDir: string) => readdirSync(runDir).toSorted()
const take = (runDir: string, pid: number) => Effect.exit(takeOwnership(runId, runDir, pid))

/** Processes that live until the end of the tests, as owners. */
const sleepers = (n: number) =>
  Array.from({ length: n }, () => {
    const child = Bun.spawn(["sleep", "1000"])
    children.push(child)
    return child.pid
  })

describe("in one process", () => {
  test("exactly one of many candidates becomes the first owner, or follows a dead one", async () => {
    const pids = sleepers(12)
    for (let round = 0; round < 20; round++) {
      const runDir = newRun(round % 2 === 0 ? undefined : dead)
      const exits = await runtime.runPromise(
        Effect.forEach(pids, (pid) => take(runDir, pid), { concurrency: "unbounded" }),
      )
      const winners = exits.flatMap((exit, index) => (Exit.isSuccess(exit) ? [pids[index]] : []))
      expect(winners).toHaveLength(1)
      const owner = await runtime.runPromise(readLastOwner(runDir))
      expect(owner?.identity.pid).toBe(winners[0] ?? 0)
      expect(owners(runDir)).toEqual(round % 2 === 0 ? ["owner.1"] : ["owner.1", "owner.2"])
    }
  }, 120_000)

  test("a second candidate, even the owner itself, learns which process owns the run", async () => {
    const [first = 0, second = 0] = sleepers(2)
    const runDir = newRun()
    await runtime.runPromise(takeOwnership(runId, runDir, first))
    for (const pid of [second, first]) {
      const error = await runtime.runPromise(Effect.flip(takeOwnership(runId, runDir, pid)))
      expect(error).toMatchObject({ _tag: "OwnerExists", run: "run_1", pid: first })
    }
    expect(owners(runDir)).toEqual(["owner.1"])
  })

  test("a process with the owner's pid but another start time is not the owner", async () => {
    const [pid = 0, next = 0] = sleepers(2)
    const runDir = newRun({ pid, startTime: "another boot:1" })
    expect(Exit.isSuccess(await runtime.runPromise(take(runDir, next)))).toBe(true)
  })

  test("an unreadable owner file has no live owner", async () => {
    const [pid = 0] = sleepers(1)
    const runDir = newRun()
    writeFileSync(join(runDir, "owner.3"), `{"pid":`)
    expect(Exit.isSuccess(await runtime.runPromise(take(runDir, pid)))).toBe(true)
    expect(await runtime.runPromise(readLastOwner(runDir))).toMatchObject({
      generation: 4,
      identity: { pid },
    })
    expect(JSON.parse(readFileSync(join(runDir, "owner.4"), "utf8"))).toMatchObject({ pid })
  })
})

test("exactly one of many processes follows each dead owner", async () => {
  const runDir = newRun(dead)
  const processes = Array.from({ length: 6 }, () => {
    const child = Bun.spawn([process.execPath, join(import.meta.dir, "take-ownership.main.ts"), runDir], {
      stdin: "pipe",
      stdout: "pipe",
    })
    children.push(child)
    const decoder = new TextDecoder()
    const reader = child.stdout.getReader()
    let rest = ""
    const line = async (): Promise<string> => {
      const end = rest.indexOf("\n")
      if (end >= 0) {
        const found = rest.slice(0, end)
        rest = rest.slice(end + 1)
        return found
      }
      const { done, value } = await reader.read()
      if (done) throw new Error("the process has ended")
      rest += decoder.decode(value, { stream: true })
      return line()
    }
    return { child, line }
  })
  expect(await Promise.all(processes.map(({ line }) => line()))).toEqual(processes.map(() => "ready"))
  const left = [...processes]
  for (let generation = 2; left.length > 1; generation++) {
    for (const { child } of left) {
      void child.stdin.write("go\n")
      void child.stdin.flush()
    }
    const said = await Promise.all(left.map(({ line }) => line()))
    const winner = left[said.indexOf("owns")]
    expect(said.filter((word) => word === "owns")).toHaveLength(1)
    const refused = `refused: run run_1 is owned by process ${winner?.child.pid}, which is still running`
    expect(said.filter((word) => word !== "owns")).toEqual(
      Array.from({ length: left.length - 1 }, () => refused),
    )
    expect(owners(runDir).at(-1)).toBe(`owner.${generation}`)
    winner?.child.kill("SIGKILL")
    await winner?.child.exited
    left.splice(said.indexOf("owns"), 1)
  }
}, 120_000)
