/** A full disk, a read-only store, truncated and missing files: mill reports them and never hangs. */
import { afterEach, describe, expect, test } from "bun:test"
import { appendFileSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { isMissing } from "../support/requirements.ts"
import { listEntries, waitFor, makeWorld } from "../support/mill.ts"
import { runCommand, checkInvariants, checkNothingLeft } from "./invariants.ts"
import { kill, type LiveRun, logText, makeStage, marked, moment, owner, startRun } from "./stage.ts"

const stage = makeStage(makeWorld())
const timeout = 120_000
const awaitOutput = (run: LiveRun) => moment(run, () => logText(run).split("spawn:tool_call").length > 9)
const readFailure = (run: LiveRun) => JSON.parse(logText(run).trimEnd().split("\n").at(-1) ?? "").payload

const mounted = new Set<string>()
const mount = (...args: ReadonlyArray<string>) =>
  Bun.which("mount") !== null && Bun.spawnSync(["mount", ...args]).success
const unmountAll = () => {
  for (const folder of mounted) Bun.spawnSync(["umount", "--lazy", folder])
  mounted.clear()
}
/** Mounts a file system of this size for runs. Returns nothing where mounting is not allowed. */
const mountStore = (name: string, size: string): string | undefined => {
  const folder = join(stage.world.dir, name)
  mkdirSync(folder, { recursive: true })
  if (process.platform !== "linux" || !mount("-t", "tmpfs", "-o", `size=${size}`, "mill-faults", folder))
    return
  mounted.add(folder)
  return folder
}
afterEach(unmountAll)
const cannotMount = isMissing("permission to mount", mountStore("probe", "64k") !== undefined)
unmountAll()

const tornLines = [`{"schemaVersion":1,"runId":"`, "\0\0\0\0", `{"schemaVersion":1}`]

test("the next owner cuts off a torn last line", async () => {
  const tear = async (torn: string) => {
    const run = await startRun(stage)
    await awaitOutput(run)
    kill([...owner(run), ...marked(run)])
    appendFileSync(join(run.runDir, "events.ndjson"), torn)
    return [await checkInvariants(run), readFailure(run).cause]
  }
  const ends = await Promise.all(tornLines.map(tear))
  expect(ends).toEqual(tornLines.map(() => ["failed", "worker-lost"]))
}, 120_000)

describe("a run directory that is deleted during the run", () => {
  test(
    "is missing for every command, and no process of the run is left",
    async () => {
      const run = await startRun(stage)
      await awaitOutput(run)
      await waitFor("the folder is gone", () => {
        rmSync(run.runDir, { recursive: true, force: true })
        return !existsSync(run.runDir)
      })
      const commands = [["status"], ["wait", "--timeout", "20"], ["watch", "--run"], ["cancel"]]
      const answers = await Promise.all(
        commands.map((words) => runCommand(run, [...words, run.runId, "--json"])),
      )
      const codes = answers.map(({ code }) => code)
      expect(codes.every((code) => code === 3 || code === 1)).toBe(true)
      for (const { stdout } of answers) expect(JSON.parse(stdout).error.message).toBeString()
      expect((await runCommand(run, ["ls", "--json"])).code).toBe(0)
      await checkNothingLeft(run)
    },
    timeout,
  )
})

test("watch reports a missing or truncated log of an ended run", async () => {
  const run = await startRun(stage)
  expect(await checkInvariants(run)).toBe("complete")
  const log = join(run.runDir, "events.ndjson")
  writeFileSync(log, `${logText(run).split("\n").slice(0, 5).join("\n")}\n`)
  const cut = await runCommand(run, ["watch", "--run", run.runId, "--json"])
  expect(cut.stdout.trimEnd().split("\n")).toHaveLength(6)
  rmSync(log)
  const gone = await runCommand(run, ["watch", "--run", run.runId, "--json"])
  for (const { code, stdout } of [cut, gone]) {
    expect(code).toBe(1)
    const { error } = JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "")
    expect(error).toMatchObject({
      _tag: "StoreError",
      message: expect.stringContaining("the run's final event is missing"),
    })
  }
}, 120_000)

describe.skipIf(cannotMount)("a disk that is full", () => {
  test(
    "fails the run for lack of storage, with the reason in the log",
    async () => {
      const runsDir = mountStore("full", "400k") ?? ""
      const flags = ["--runs-dir", runsDir]
      const run = await startRun(stage, flags)
      await awaitOutput(run)
      const filler = Buffer.alloc(4096, "x")
      const full = await waitFor("the disk is full", () => {
        try {
          for (;;) appendFileSync(join(runsDir, "filler"), filler)
        } catch (error) {
          return error instanceof Error && /ENOSPC/.test(error.message)
        }
      })
      expect(full).toBe(true)
      expect(await checkInvariants(run, flags)).toBe("failed")
      expect(readFailure(run)).toMatchObject({
        cause: "storage",
        message: expect.stringMatching(/space|ENOSPC/i),
      })
    },
    timeout,
  )

  test(
    "refuses a new run, and leaves nothing behind",
    async () => {
      const runsDir = mountStore("fuller", "64k") ?? ""
      try {
        writeFileSync(join(runsDir, "filler"), Buffer.alloc(1024 * 1024))
      } catch {
        // The disk is full.
      }
      const { code, stdout } = await stage.world.mill(
        ["run", "program.ts", "--json", "--runs-dir", runsDir],
        { env: stage.env },
      )
      expect(code).toBe(1)
      expect(JSON.parse(stdout).error._tag).toBe("StoreError")
      expect(listEntries(runsDir)).toEqual(["filler"])
    },
    timeout,
  )
})

describe.skipIf(cannotMount)("a read-only store", () => {
  test(
    "shows its runs, reports a lost worker, and refuses a new run",
    async () => {
      const runsDir = mountStore("fixed", "4m") ?? ""
      const flags = ["--runs-dir", runsDir]
      const done = await startRun(stage, flags)
      expect(await checkInvariants(done, flags)).toBe("complete")
      const lost = await startRun(stage, flags)
      await awaitOutput(lost)
      kill([...owner(lost), ...marked(lost)])
      await waitFor("the store is fixed", () => mount("-o", "remount,ro", runsDir))
      const ask = (...words: ReadonlyArray<string>) => runCommand(done, [...words, "--json", ...flags])

      expect((await ask("status", done.runId)).code).toBe(0)
      expect((await ask("watch", "--run", done.runId)).code).toBe(0)
      expect((await ask("wait", done.runId, "--timeout", "5")).code).toBe(0)
      const listed = await ask("ls")
      expect(listed.code).toBe(0)
      expect(JSON.parse(listed.stdout).map(({ id }: { readonly id: string }) => id)).toContain(done.runId)
      for (const words of [["status"], ["wait", "--timeout", "3"], ["cancel"], ["watch", "--run"]]) {
        const { code, stdout } = await ask(...words, lost.runId)
        expect([words[0], code]).toEqual([words[0], 1])
        expect(stdout.trimEnd().split("\n").at(-1)).toContain("StoreError")
      }
      const refused = await ask("run", "program.ts")
      expect([refused.code, JSON.parse(refused.stdout).error._tag]).toEqual([1, "StoreError"])

      expect(mount("-o", "remount,rw", runsDir)).toBe(true)
      expect(await checkInvariants(lost, flags)).toBe("failed")
    },
    timeout,
  )
})
