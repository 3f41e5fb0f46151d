/** Nested runs record their parent and depth. */
import { expect, test } from "bun:test"
import {
  formatJsonlDriver,
  makeWorld,
  millCommand,
  filterEvents,
  writeConfig,
  writeScript,
} from "../support/mill.ts"

const world = makeWorld()
const mill = millCommand.map((word) => `'${word}'`).join(" ")

/** An agent that runs the program named in its prompt and answers with mill's output and its own environment. */
const nests = writeScript(
  world,
  "nests",
  `cat > "input.$MILL_RUN_ID"
${mill} run inner.ts --sync --json > "inner.$MILL_RUN_ID" 2> "stderr.$MILL_RUN_ID"
echo '{"type":"result","text":"'"$? $MILL_RUN_ID $MILL_SPAWN_ID $MILL_RUN_DEPTH"'"}'`,
)
writeConfig(world, { nests: formatJsonlDriver(nests) })
const spawn = `(await mill.spawn({ agent: "a", systemPrompt: "s", prompt: "p", model: "m" })).text`
world.write("inner.ts", `export default ${spawn}`)
world.write("outer.ts", `export default ${spawn}`)

test.concurrent("a nested run records its parent, and a run nested too deep is refused", async () => {
  const outer = await world.run("outer.ts")
  const outerId = outer.record.id
  expect(outer.result.programResult).toBe(`0 ${outerId} spawn_1 0`)
  expect(outer.record).not.toHaveProperty("parentRunId")

  const { result, run } = JSON.parse(await Bun.file(`${world.dir}/inner.${outerId}`).text())
  expect(run.parentRunId).toBe(outerId)
  expect(filterEvents(world.readEvents(run.id), "run:start")[0]?.payload).toMatchObject({
    parentRunId: outerId,
    parentSpawnId: "spawn_1",
  })
  expect(result.programResult).toBe(`2 ${run.id} spawn_1 1`)

  const { error } = JSON.parse(await Bun.file(`${world.dir}/inner.${run.id}`).text())
  expect(error).toMatchObject({
    _tag: "UsageError",
    message: expect.stringMatching(/^nested run refused: depth 2 exceeds maxRunDepth 1$/),
  })
  const all = JSON.parse((await world.mill(["ls", "--json"])).stdout) as ReadonlyArray<{
    readonly parentRunId?: string
  }>
  expect(all.filter(({ parentRunId }) => parentRunId === run.id)).toEqual([])
})

test.concurrent("a run that a program starts has a parent run but no parent spawn", async () => {
  world.write(
    "starts.ts",
    `const child = Bun.spawn([${millCommand.map((word) => JSON.stringify(word)).join(", ")}, "run", "empty.ts", "--json", "--driver", "offline"])
export default JSON.parse(await new Response(child.stdout).text()).runId`,
  )
  world.write("empty.ts", `export default process.env.MILL_RUN_DEPTH`)
  const { record, result } = await world.run("starts.ts")
  const inner = String(result.programResult)
  const waited = await world.mill(["wait", inner, "--json", "--timeout", "60"])
  expect(JSON.parse(waited.stdout)).toMatchObject({ status: "complete", parentRunId: record.id })
  expect(filterEvents(world.readEvents(inner), "run:start")[0]?.payload).not.toHaveProperty("parentSpawnId")
  const ended = filterEvents(world.readEvents(inner), "run:complete")[0]?.payload.result
  expect(ended?.programResult).toBe("1")
})
