/** Cancelling a run: it has one end, and none of its processes are left, whatever they do. */
import { describe, expect, test } from "bun:test"
import { readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { millCommand } from "../support/mill.ts"
import { makeCancelWorld } from "./cancel-world.ts"

const {
  begin,
  beginSpawns,
  cancel,
  readEnd,
  findProcessesOf,
  waitForEnd,
  waitForLog,
  waitUntilGone,
  findWorker,
  world,
} = makeCancelWorld()
const timeout = 120_000

const makeCancelAnswer = (runId: string) => ({
  code: 0,
  stderr: "",
  answer: { runId, status: "cancelled", alreadyTerminal: false },
})

describe("mill cancel", () => {
  for (const driver of ["hangs", "stubborn", "family"]) {
    test(
      `ends agents that are "${driver}", and all their processes`,
      async () => {
        const runId = await beginSpawns(driver)
        expect(await cancel(runId, "--reason", "enough")).toEqual(makeCancelAnswer(runId))
        // Right away, not eventually.
        expect(findProcessesOf(runId)).toEqual([])
        expect(readEnd(runId)).toEqual({
          type: "run:cancelled",
          payload: { reason: "enough" },
          cancelled: 2,
          errors: [],
        })
        expect(world.readRecord(runId)).toMatchObject({
          status: "cancelled",
          spawns: { started: 2, running: 0, cancelled: 2 },
        })
        expect((await world.mill(["wait", runId, "--timeout", "5"])).code).toBe(130)
        await waitUntilGone(runId)
      },
      timeout,
    )
  }

  test(
    "sends no key for a missing reason: a worker of an earlier version refuses null",
    async () => {
      const runId = await beginSpawns()
      const file = join(world.readRecord(runId).paths.runDir, "control")
      const worker = readFileSync(file, "utf8")
      const requests: Array<string> = []
      // Stands between the command and the worker, and reads what the command sends.
      const proxy = Bun.listen<{ up?: Bun.Socket | undefined }>({
        unix: join(world.dir, "proxy"),
        socket: {
          open: (down) => {
            down.data = {}
          },
          data: async (down, bytes) => {
            requests.push(bytes.toString())
            // The worker may have ended since: the command then notices a closed connection, as without the proxy.
            down.data.up ??= await Bun.connect({
              unix: worker,
              socket: { data: (_, answer) => void down.write(answer), close: () => void down.end() },
            }).catch(() => undefined)
            if (down.data.up === undefined) down.end()
            else down.data.up.write(bytes)
          },
          close: (down) => void down.data.up?.end(),
        },
      })
      writeFileSync(file, join(world.dir, "proxy"))
      expect(await cancel(runId)).toEqual(makeCancelAnswer(runId))
      proxy.stop(true)
      const sent = requests
        .join("")
        .split("\n")
        .filter((line) => line.includes(`"tag":"cancel"`))
      expect(sent.map((line) => JSON.parse(line).payload)).toEqual([{}])
    },
    timeout,
  )

  test(
    "ends the run once and answers each of several concurrent calls",
    async () => {
      const runId = await beginSpawns()
      const answers = await Promise.all(Array.from({ length: 5 }, () => cancel(runId)))
      for (const { answer, code, stderr } of answers) {
        expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
        expect(answer).toEqual({ runId, status: "cancelled", alreadyTerminal: expect.any(Boolean) })
      }
      expect(answers.some(({ answer }) => !answer.alreadyTerminal)).toBe(true)
      expect(readEnd(runId)).toMatchObject({ type: "run:cancelled", payload: {}, cancelled: 2 })
    },
    timeout,
  )

  test(
    "leaves a run that has ended as it is, and says so",
    async () => {
      const ended = await world.run(world.write("done.ts", "export default 1"))
      const { id } = ended.record
      const record = world.readRecord(id)
      expect(await cancel(id)).toEqual({
        code: 0,
        stderr: "",
        answer: { runId: id, status: "complete", alreadyTerminal: true },
      })
      const { code, stdout } = await world.mill(["cancel", id])
      expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining("had already finished") })
      expect(world.readEvents(id)).toEqual([...ended.events])
      expect(world.readRecord(id)).toEqual(record)
    },
    timeout,
  )

  test(
    "keeps the end of a run whose worker died between its last event and the snapshots",
    async () => {
      const { events, record, result } = await world.run(world.write("done.ts", "export default 1"))
      const { resultFile, runDir, runFile } = record.paths
      rmSync(resultFile)
      writeFileSync(runFile, JSON.stringify({ ...record, status: "running" }))
      expect(await cancel(record.id)).toMatchObject({ code: 0, answer: { status: "complete" } })
      expect(world.readEvents(record.id)).toEqual([...events])
      expect(world.readRecord(record.id).status).toBe("complete")
      expect(JSON.parse(readFileSync(join(runDir, "result.json"), "utf8"))).toEqual(result)
    },
    timeout,
  )

  test(
    "kills a worker that does not respond, and settles its run",
    async () => {
      const runId = await beginSpawns("family")
      process.kill(findWorker(runId), "SIGSTOP")
      expect(await cancel(runId, "--reason", "stuck")).toEqual(makeCancelAnswer(runId))
      expect(readEnd(runId)).toMatchObject({
        type: "run:cancelled",
        payload: { reason: "stuck" },
        cancelled: 2,
        errors: [],
      })
      await waitUntilGone(runId)
    },
    timeout,
  )

  test(
    "ends a run that was just submitted",
    async () => {
      const { stdout } = await world.mill(["run", "spawns.ts", "--json"])
      const { runId } = JSON.parse(stdout)
      expect(await cancel(runId)).toEqual(makeCancelAnswer(runId))
      expect(readEnd(runId)).toMatchObject({ type: "run:cancelled", errors: [] })
      await waitUntilGone(runId)
    },
    timeout,
  )

  test(
    "ends a program in an endless loop",
    async () => {
      const runId = await begin("loop.ts", "loops")
      expect(await cancel(runId)).toEqual(makeCancelAnswer(runId))
      expect(readEnd(runId)).toMatchObject({ type: "run:cancelled" })
      await waitUntilGone(runId)
    },
    timeout,
  )

  test(
    "ends a program that ignores SIGTERM",
    async () => {
      world.write(
        "ignores.ts",
        `process.on("SIGTERM", () => {})\nmill.log("ignores")\nsetInterval(() => {}, 1000)`,
      )
      const runId = await begin("ignores.ts", "ignores")
      expect(await cancel(runId)).toEqual(makeCancelAnswer(runId))
      await waitUntilGone(runId)
    },
    timeout,
  )

  test(
    "ends nested runs",
    async () => {
      const inner = await beginNested()
      expect(await cancel(inner.parent)).toEqual(makeCancelAnswer(inner.parent))
      expect(readEnd(inner.child)).toMatchObject({
        type: "run:cancelled",
        payload: { reason: `its parent ${inner.parent} was cancelled` },
        cancelled: 2,
      })
      for (const runId of [inner.parent, inner.child]) await waitUntilGone(runId)
    },
    timeout,
  )
})

/** A run, and a run that its program has started. */
const beginNested = async () => {
  world.write(
    "outer.ts",
    `const child = Bun.spawn([...${JSON.stringify(millCommand)}, "run", "spawns.ts", "--json"], { stdout: "pipe" })
mill.log(await new Response(child.stdout).text())
setInterval(() => {}, 1000)`,
  )
  const parent = await begin("outer.ts", "run:log")
  const [log] = world.readEvents(parent).filter(({ type }) => type === "run:log")
  if (log?.type !== "run:log") throw new Error("the nested run did not start")
  const child = String(JSON.parse(log.payload.message).runId)
  await waitForLog(child, "spawn:milestone", 2)
  return { parent, child }
}

describe("a signal to the worker", () => {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    test(
      `cancels the run: ${signal}`,
      async () => {
        const runId = await beginSpawns("family")
        process.kill(findWorker(runId), signal)
        await waitForEnd(runId)
        expect(readEnd(runId)).toEqual({
          type: "run:cancelled",
          payload: { reason: "the worker was terminated" },
          cancelled: 2,
          errors: [],
        })
        await waitUntilGone(runId)
      },
      timeout,
    )
  }
})
