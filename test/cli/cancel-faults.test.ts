/** Processes that are killed while `mill cancel` is in progress: the run still has one end, and nothing of it is left. */
import { expect, test } from "bun:test"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { kill } from "../faults/stage.ts"
import { waitFor } from "../support/mill.ts"
import { makeCancelWorld } from "./cancel-world.ts"

const { begin, findProcessesOf, findWorker, readEnd, waitForEnd, waitUntilGone, world } = makeCancelWorld()
const spawns = ["spawn_1", "spawn_2"]

/** Starts to cancel a run. Its agents have got SIGTERM and have a minute to exit, but they do not. */
const beginCancel = async () => {
  const runId = await begin("spawns.ts", "spawn:milestone", 4, "notes")
  const command = world.start(["cancel", runId, "--json", "--reason", "enough"])
  await waitFor("the agents to get SIGTERM", () =>
    spawns.every((spawn) => existsSync(join(world.dir, `noted-${runId}-${spawn}`))),
  )
  return { runId, command }
}

test("when the worker is killed, the command settles the run and ends its agents", async () => {
  const { command, runId } = await beginCancel()
  process.kill(findWorker(runId), "SIGKILL")
  const { status, ...answer } = JSON.parse(await new Response(command.stdout).text())
  expect(await command.exited).toBe(0)
  expect(answer).toEqual({ runId, alreadyTerminal: false })
  expect(findProcessesOf(runId)).toEqual([])
  expect(`${readEnd(runId)?.type}`).toBe(`run:${status}`)
  expect(world.readRecord(runId)).toMatchObject({ status, spawns: { started: 2, running: 0 } })
})

test("when the command is killed, the worker ends the run once its agents have exited", async () => {
  const { command, runId } = await beginCancel()
  command.kill("SIGKILL")
  await command.exited
  const agents = findProcessesOf(runId)
  expect(agents.length).toBeGreaterThan(0)
  kill(agents)
  await waitForEnd(runId)
  expect(readEnd(runId)).toMatchObject({ type: "run:cancelled", payload: { reason: "enough" }, cancelled: 2 })
  await waitUntilGone(runId)
})
