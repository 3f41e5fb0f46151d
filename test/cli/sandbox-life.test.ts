/** However a sandboxed run ends, its program, agents and other processes are gone. */
import { describe, expect, test } from "bun:test"
import { readdirSync, readFileSync, readlinkSync } from "node:fs"
import { waitFor, isAlive } from "../support/mill.ts"
import { isWithoutSandbox } from "../support/sandbox.ts"
import { makeCancelWorld } from "./cancel-world.ts"

const { begin, cancel, readEnd, findProcessesOf, waitForEnd, waitUntilGone, findWorker, world } =
  makeCancelWorld(`defaultExecutor: "vm",`)
const timeout = 120_000

world.write(
  "children.ts",
  `process.on("SIGTERM", () => {})
Bun.spawn(["sleep", "300"])
Bun.spawn(["setsid", "sleep", "300"], { env: {} })
const spawn = () => mill.spawn({ agent: "a", systemPrompt: "s", prompt: "p", model: "m" })
await Promise.all([spawn(), spawn()])`,
)
const beginSpawns = () => begin("children.ts", "spawn:milestone", 2, "family")

const readCommand = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8")
  } catch {
    // The process exited after it was listed.
    return ""
  }
}
const findProgram = (runId: string): number => {
  const found = findProcessesOf(runId).find((pid) => readCommand(pid).startsWith("/run/mill/bun\0"))
  if (found === undefined) throw new Error(`the program of ${runId} does not run`)
  return found
}
const readNamespace = (pid: number | string): string | undefined => {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`)
  } catch {
    return undefined
  }
}
/** Lists all processes in a sandbox. */
const listMembers = (namespace: string | undefined): ReadonlyArray<string> =>
  readdirSync("/proc").filter(
    (name) => /^\d+$/.test(name) && isAlive(Number(name)) && readNamespace(name) === namespace,
  )

describe.skipIf(isWithoutSandbox)("a sandboxed run", () => {
  test(
    "is cancelled with all its processes",
    async () => {
      const runId = await beginSpawns()
      const namespace = readNamespace(findProgram(runId))
      // bwrap, the program and its two children.
      await waitFor("four processes in the sandbox", () => listMembers(namespace).length === 4)
      expect(await cancel(runId, "--reason", "enough")).toMatchObject({
        code: 0,
        answer: { status: "cancelled" },
      })
      expect(findProcessesOf(runId)).toEqual([])
      expect(listMembers(namespace)).toEqual([])
      expect(readEnd(runId)).toEqual({
        type: "run:cancelled",
        payload: { reason: "enough" },
        cancelled: 2,
        errors: [],
      })
      await waitUntilGone(runId)
    },
    timeout,
  )

  test(
    "is cancelled in an endless loop",
    async () => {
      const runId = await begin("loop.ts", "loops")
      expect(await cancel(runId)).toMatchObject({ code: 0, answer: { status: "cancelled" } })
      await waitUntilGone(runId)
    },
    timeout,
  )

  test(
    "fails if its program is killed, and its agents are terminated",
    async () => {
      const runId = await beginSpawns()
      process.kill(findProgram(runId), "SIGKILL")
      await waitForEnd(runId)
      expect(readEnd(runId)).toEqual({
        type: "run:failed",
        payload: { cause: "program-exit", message: "the program's process was killed by SIGKILL" },
        cancelled: 2,
        errors: [],
      })
      await waitUntilGone(runId)
    },
    timeout,
  )

  for (const [program, what, times] of [
    ["children.ts", "spawn:milestone", 2],
    ["loop.ts", "loops", 1],
  ] as const) {
    test(
      `ends when its worker is killed: ${program}`,
      async () => {
        const runId = await begin(program, what, times, "family")
        process.kill(findWorker(runId), "SIGKILL")
        await waitForEnd(runId)
        expect(readEnd(runId)).toMatchObject({
          type: "run:failed",
          payload: { cause: "worker-lost", message: "the run's worker exited unexpectedly" },
          errors: program === "loop.ts" ? [] : ["worker-lost", "worker-lost"],
        })
        await waitUntilGone(runId)
      },
      timeout,
    )
  }
})
