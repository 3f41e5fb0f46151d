/** A special or damaged file in a run's directory never blocks a command, takes its memory, or hides another run. */
import { beforeAll, describe, expect, test } from "bun:test"
import { rmSync } from "node:fs"
import { join } from "node:path"
import {
  formatJsonlDriver,
  type FinishedRun,
  makeWorld,
  waitForNoProcess,
  writeConfig,
  writeScript,
} from "../support/mill.ts"
import { type Answer, askAll, cutEnd, makeCopier, replace, replacements } from "./damage-world.ts"

const world = makeWorld()
writeConfig(world, {
  instant: formatJsonlDriver(writeScript(world, "instant", `echo '{"type":"result","text":"hi"}'`)),
})

const files = [
  "run.json",
  "plan.json",
  "events.ndjson",
  "result.json",
  "owner.1",
  "launch.json",
  "control",
  "program.ts",
  "spawns/spawn_1.json",
  "spawns",
  "logs",
]

/** Operations whose value is the log. */
const needsLog = new Set(["watch", "inspectSpawn"])

let original: FinishedRun
let copy: ReturnType<typeof makeCopier>
beforeAll(async () => {
  const program = world.write(
    "program.ts",
    `const { text } = await mill.spawn({ agent: "a", systemPrompt: "s", prompt: "p", model: "m" })
export default text`,
  )
  original = await world.run(program)
  await waitForNoProcess(original.record.id)
  copy = makeCopier(world, original)
})

describe.each(["ended", "lost"] as const)("in a run that has %s", (how) => {
  test("every operation returns", async () => {
    const runs = new Map<string, string>()
    for (const name of files)
      for (const kind of Object.keys(replacements)) {
        const runId = copy((file) => {
          if (how === "lost") {
            rmSync(file("run.json"))
            rmSync(file("result.json"))
            cutEnd(file("events.ndjson"))
          }
          replace(file(name), kind)
        })
        runs.set(runId, `${name} is ${kind}`)
      }
    const { answers, peakMiB } = await askAll(world, [...runs.keys()])
    const describeAnswer = ({ error, operation, runId }: Answer) =>
      `${operation}: ${runs.get(runId)}: ${error?.message}`
    expect(answers.length).toBe(runs.size * 7 + 1)
    expect(answers.filter(({ late }) => late).map(describeAnswer)).toEqual([])
    expect(peakMiB).toBeLessThan(600)
    const failed = answers.filter(({ error, operation }) => error !== undefined && !needsLog.has(operation))
    // A log whose place is taken by a dangling link can be neither read nor written.
    const expected = failed.filter(({ runId }) => runs.get(runId) !== "events.ndjson is a dangling link")
    expect(expected.map(describeAnswer)).toEqual([])
    const list = answers.find(({ operation }) => operation === "list")?.value
    for (const runId of runs.keys()) expect(JSON.stringify(list)).toContain(runId)
    for (const runId of runs.keys()) rmSync(join(world.runsDir, runId), { recursive: true, force: true })
  }, 300_000)
})
