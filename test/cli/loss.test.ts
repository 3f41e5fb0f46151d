/** Runs whose processes are killed end on their own: no mill command runs here before a run has ended. */
import { describe, expect, test } from "bun:test"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { waitFor, isAlive } from "../support/mill.ts"
import { makeCancelWorld } from "./cancel-world.ts"

const { begin, beginSpawns, readEnd, findHost, waitForEnd, waitUntilGone, findWorker, world } =
  makeCancelWorld()
const timeout = 120_000

describe("when the program's process is killed", () => {
  test(
    "the run fails, and its agents are ended",
    async () => {
      const runId = await beginSpawns("family")
      process.kill(findHost(runId), "SIGKILL")
      await waitForEnd(runId)
      expect(readEnd(runId)).toEqual({
        type: "run:failed",
        payload: { cause: "program-exit", message: "the program's process was killed by SIGKILL" },
        cancelled: 2,
        errors: [],
      })
      await waitUntilGone(runId)
      expect((await world.mill(["wait", runId, "--timeout", "5"])).code).toBe(1)
    },
    timeout,
  )
})

describe("when the worker is killed", () => {
  for (const driver of ["hangs", "stubborn", "family"]) {
    test(
      `agents that are "${driver}" are ended, and the run fails`,
      async () => {
        const runId = await beginSpawns(driver)
        process.kill(findWorker(runId), "SIGKILL")
        await waitForEnd(runId)
        expect(readEnd(runId)).toEqual({
          type: "run:failed",
          payload: { cause: "worker-lost", message: "the run's worker exited unexpectedly" },
          cancelled: 0,
          errors: ["worker-lost", "worker-lost"],
        })
        await waitUntilGone(runId)
        const { code, stdout } = await world.mill(["status", runId, "--json"])
        expect({ code, ...JSON.parse(stdout) }).toMatchObject({ code: 0, status: "failed" })
      },
      timeout,
    )
  }

  test(
    "a program that waits for no call of mill is ended",
    async () => {
      const runId = await begin("silent.ts", "waits")
      process.kill(findWorker(runId), "SIGKILL")
      await waitForEnd(runId)
      expect(readEnd(runId)).toMatchObject({ type: "run:failed", payload: { cause: "worker-lost" } })
      await waitUntilGone(runId)
    },
    timeout,
  )

  test(
    "a program in an endless loop is ended by the next command",
    async () => {
      const runId = await begin("loop.ts", "loops")
      // Until it loops, the program would notice that its worker died, and have the run settled.
      await waitFor("the program to loop", () => existsSync(join(world.dir, `looping-${runId}`)))
      const worker = findWorker(runId)
      process.kill(worker, "SIGKILL")
      await waitFor("the worker to exit", () => !isAlive(worker))
      const { code, stdout } = await world.mill(["status", runId, "--json"])
      expect({ code, ...JSON.parse(stdout) }).toMatchObject({ code: 0, status: "failed" })
      await waitUntilGone(runId)
    },
    timeout,
  )

  test(
    "wait and watch report the end",
    async () => {
      const runId = await beginSpawns()
      const waiting = world.mill(["wait", runId, "--timeout", "30", "--json"])
      const watching = world.mill(["watch", "--run", runId, "--channel", "all", "--json"])
      process.kill(findHost(runId), "SIGSTOP")
      process.kill(findWorker(runId), "SIGKILL")
      const [waited, watched] = await Promise.all([waiting, watching])
      expect([waited.code, watched.code]).toEqual([1, 1])
      expect(JSON.parse(waited.stdout).status).toBe("failed")
      expect(watched.stdout.trimEnd().split("\n").at(-1)).toContain(`"run:failed"`)
      await waitUntilGone(runId)
    },
    timeout,
  )
})
