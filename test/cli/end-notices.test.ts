/** The worker closes the connections of waiting commands as soon as its run has ended: no poll has to find the end. */
import { expect, test } from "bun:test"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { isAlive, makeWorld, waitFor } from "../support/mill.ts"
import { writeExtensions } from "./extension-world.ts"

const world = makeWorld()

test("a silent connection is closed when run.json has the end, even while an extension still works", async () => {
  const { mill, readNotes } = writeExtensions(
    world,
    "slow",
    `defineExtension({ name: "slow",
       onEvent: ({ type }, { cwd }) => type === "run:complete" ? untilFile(cwd + "/left").pipe(
         Effect.ensuring(Effect.sync(() => write(cwd, "done")))) : Effect.void })`,
    `while (!(await Bun.file("gate").exists())) await Bun.sleep(20)`,
  )
  const { runId } = JSON.parse((await mill("run", "program.ts", "--json")).stdout)
  const runDir = join(world.runsDir, runId)
  const control = join(runDir, "control")
  await waitFor("the worker to listen", () => existsSync(control))
  const worker: number = JSON.parse(readFileSync(join(runDir, "owner.1"), "utf8")).pid
  const atClose = new Promise<unknown>((resolve) => {
    void Bun.connect({
      unix: readFileSync(control, "utf8"),
      socket: {
        data: () => resolve("the worker sent data"),
        close: () => {
          const { status } = JSON.parse(readFileSync(join(runDir, "run.json"), "utf8"))
          resolve({ status, isWorking: isAlive(worker), notes: readNotes() })
        },
      },
    })
  })
  world.write("slow/gate", "")
  expect(await atClose).toEqual({ status: "complete", isWorking: true, notes: [] })
  world.write("slow/left", "")
})
