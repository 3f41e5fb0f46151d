/** Processes that a cancellation cannot end: it stops in time, names them, and never prints that the run is cancelled. */
import { expect, test } from "bun:test"
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import { parseStat } from "../../src/internal/process/proc-files.ts"
import { isAlive, millCommand, waitFor, writeScript } from "../support/mill.ts"
import { isMissing } from "../support/requirements.ts"
import { makeCancelWorld } from "./cancel-world.ts"

const { beginSpawns, cancel, findWorker, waitUntilGone, world } = makeCancelWorld()

const identify = (pid: number) => {
  const { startTicks } = parseStat(readFileSync(`/proc/${pid}/stat`, "utf8"))
  const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()
  return { pid, startTime: `${boot}:${startTicks}` }
}

test("names the process that has not finished cleaning up the run, and can be repeated", async () => {
  const runId = await beginSpawns()
  const worker = findWorker(runId)
  process.kill(worker, "SIGSTOP")
  const settler = Bun.spawn(["sleep", "300"])
  const owner = join(world.runsDir, runId, "owner.2")
  writeFileSync(owner, JSON.stringify(identify(settler.pid)))
  settler.kill("SIGSTOP")
  await waitFor("the stop", () => parseStat(readFileSync(`/proc/${settler.pid}/stat`, "utf8")).state === "T")
  const { answer, code } = await cancel(runId, "--timeout", "0.1")
  expect(code).toBe(1)
  expect(answer.error).toMatchObject({ _tag: "CancelIncomplete", runId, status: "running" })
  expect(answer.error.left).toContainEqual({
    pid: settler.pid,
    command: "sleep 300",
    reason: "has not finished cleaning up the run and is stopped",
  })
  settler.kill("SIGKILL")
  await settler.exited
  process.kill(worker, "SIGCONT")
  expect((await cancel(runId)).code).toBe(0)
  await waitUntilGone(runId)
})

const setpriv = Bun.which("setpriv")
const isRoot = process.getuid?.() === 0
const nobody = 65534

/** Starts mill as another user, in a folder of that user. */
const runAs = (user: number, folder: string, args: ReadonlyArray<string>) => {
  const { stderr, stdout, exitCode } = Bun.spawnSync(
    ["setpriv", `--reuid=${user}`, `--regid=${user}`, "--clear-groups", ...millCommand, ...args],
    {
      cwd: folder,
      env: {
        ...process.env,
        HOME: folder,
        MILL_HOME: join(folder, "home"),
        XDG_RUNTIME_DIR: join(folder, "rt"),
        NO_COLOR: "1",
      },
    },
  )
  return { code: exitCode, stdout: stdout.toString(), stderr: stderr.toString() }
}

/** Mill may be in a folder that other users cannot read. */
const canRunAsNobody = isRoot && setpriv !== null && runAs(nobody, "/", ["--version"]).code === 0

test.skipIf(isMissing("another user who can run mill", canRunAsNobody))(
  "names a process of another user, which it may not signal",
  async () => {
    const folder = join(world.dir, "other")
    mkdirSync(join(folder, "rt"), { recursive: true })
    const elevate = join(folder, "elevate")
    copyFileSync(setpriv ?? "", elevate)
    const agent = writeScript(
      world,
      "other/agent",
      `echo '{"type":"milestone","message":"hangs"}'
exec ${elevate} --reuid=0 --regid=0 --clear-groups sleep 300`,
    )
    world.write(
      "other/mill.config.ts",
      `import { defineConfig, jsonlCodec, processDriver } from "@mill/core"
export default defineConfig({ cancelGrace: 0.2, defaultDriver: "root", drivers: {
  root: processDriver({ command: ${JSON.stringify(agent)}, codec: jsonlCodec() }) } })\n`,
    )
    world.write(
      "other/program.ts",
      `await mill.spawn({ agent: "a", systemPrompt: "s", prompt: "p", model: "m" })`,
    )
    chmodSync(world.dir, 0o755)
    for (const name of readdirSync(folder)) chownSync(join(folder, name), nobody, nobody)
    chownSync(folder, nobody, nobody)
    chownSync(elevate, 0, 0)
    chmodSync(elevate, 0o4755)

    const { runId } = JSON.parse(runAs(nobody, folder, ["run", "program.ts", "--json"]).stdout)
    const pid = await waitFor("the agent to become root", () =>
      readdirSync("/proc")
        .map(Number)
        .find((pid) => {
          try {
            return (
              readFileSync(`/proc/${pid}/cmdline`, "utf8") === "sleep\x00300\x00" &&
              readFileSync(`/proc/${pid}/environ`, "utf8").includes(`MILL_RUN_ID=${runId}`)
            )
          } catch {
            return false
          }
        }),
    )
    const left = [{ pid, command: "sleep 300", reason: "belongs to user 0" }]
    const first = runAs(nobody, folder, ["cancel", runId, "--json"])
    expect(first.code).toBe(1)
    expect(JSON.parse(first.stdout).error).toMatchObject({ _tag: "CancelIncomplete", runId, left })
    expect(isAlive(pid)).toBe(true)

    const second = runAs(nobody, folder, ["cancel", runId])
    expect(second).toMatchObject({ code: 1, stdout: "" })
    expect(second.stderr).toContain(
      `cannot end all processes of ${runId}: process ${pid} (sleep 300) belongs to user 0`,
    )

    process.kill(pid, "SIGKILL")
    await waitFor("its exit", () => !isAlive(pid))
    const third = runAs(nobody, folder, ["cancel", runId, "--json"])
    expect([third.code, JSON.parse(third.stdout)]).toEqual([
      0,
      { runId, status: "cancelled", alreadyTerminal: true },
    ])
  },
)
