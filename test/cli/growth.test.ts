/** The cost of a worker does not grow with the output of its agents or the length of its log. */
import { expect, test } from "bun:test"
import { formatJsonlDriver, makeWorld, writeConfig, writeScript } from "../support/mill.ts"

const world = makeWorld()
writeConfig(world, {
  floods: formatJsonlDriver(
    writeScript(
      world,
      "floods",
      `yes "${"x".repeat(1000)}" | head -c 400000000; echo; echo '{"type":"result","text":"done"}'`,
    ),
  ),
  instant: formatJsonlDriver(writeScript(world, "instant", `echo '{"type":"result","text":"done"}'`)),
})
const spawn = `await mill.spawn({ agent: "a", systemPrompt: "s", prompt: "p", model: "m" })`
// The program's parent is the worker.
const readWorker = (file: string, pattern: string) =>
  `Number(/${pattern}:\\s+(\\d+)/.exec(await Bun.file("/proc/" + process.ppid + "/${file}").text())[1])`

test("400 MB of output are not kept in memory", async () => {
  const program = world.write("floods.ts", `${spawn}\nexport default ${readWorker("status", "VmHWM")}`)
  const { record, result } = await world.run(program, ["--driver", "floods"])
  expect(record.status).toBe("complete")
  const peakMiB = Number(result.programResult) / 1024
  expect(peakMiB).toBeGreaterThan(10)
  expect(peakMiB).toBeLessThan(300)
})

test("appending to the log does not read it", async () => {
  const program = world.write(
    "appends.ts",
    `for (let n = 0; n < 4; n++) mill.log("x".repeat(1e6))
${spawn}
const before = ${readWorker("io", "rchar")}
for (let n = 0; n < 50; n++) { mill.log("short"); await Bun.sleep(2) }
${spawn}
export default ${readWorker("io", "rchar")} - before`,
  )
  const { record, events, result } = await world.run(program, ["--driver", "instant"])
  expect(record.status).toBe("complete")
  expect(events.filter(({ type }) => type === "run:log")).toHaveLength(54)
  // Each of fifty appends that read the log would read 4 MB.
  expect(Number(result.programResult)).toBeLessThan(8_000_000)
})
