/** The frozen plan: printed before the run, stored with it, verified by the worker and compared with the disk. */
import { describe, expect, test } from "bun:test"
import { createHash } from "node:crypto"
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import {
  listEntries,
  waitFor,
  formatJsonlDriver,
  makeWorld,
  findProcesses,
  writeScript,
} from "../support/mill.ts"

const world = makeWorld()
const agent = writeScript(world, "agent", `echo '{"type":"result","text":"hello"}'`)
const program = world.write(
  "program.ts",
  `import { word } from "./word.ts"
import { EOL } from "node:os"
const { text } = await mill.spawn({ agent: "a", systemPrompt: "s", prompt: word, model: "m" })
export default text + EOL`,
)
const word = world.write("word.ts", `export const word = "old"`)
const secret = "s3cret-value"
const formatConfig = (
  driver: string,
  more = "",
) => `import { claudeCodec, defineConfig, jsonlCodec, processDriver } from "@mill/core"
import { instructions } from "./instructions.ts"
export default defineConfig({ defaultDriver: "mine", authoring: { instructions }, drivers: { mine: ${driver} }, ${more} })`
world.write("instructions.ts", `export const instructions = "be brief"`)
const config = world.write(
  "mill.config.ts",
  formatConfig(
    formatJsonlDriver("./agent", `args: ["--x"], env: { TOKEN: "${secret}", A: "b" }`),
    `extensions: [{ name: "tell", api: { now: async () => 1, again: async () => 2 } }], cancelGrace: 3`,
  ),
)
const sha256 = (path: string) => createHash("sha256").update(readFileSync(path)).digest("hex")
const dryRun = async (...args: ReadonlyArray<string>) =>
  JSON.parse((await world.mill(["run", program, "--dry-run", "--json", ...args])).stdout)

test("--dry-run prints every input of the run and starts nothing", async () => {
  const plan = await dryRun()
  const { planId } = plan
  expect(JSON.stringify(plan)).not.toContain(secret)
  expect(plan).toMatchObject({
    planVersion: 1,
    planId: expect.stringMatching(/^[0-9a-f]{64}$/),
    mill: expect.stringMatching(/^\d+\.\d+\.\d+/),
    bun: expect.stringMatching(/^\d+\.\d+\.\d+/),
    programPath: program,
    program: [
      { path: program, sha256: sha256(program), packages: ["node:os"] },
      { path: word, sha256: sha256(word) },
    ],
    config: [{ path: config, sha256: sha256(config) }, { path: join(world.dir, "instructions.ts") }],
    driver: {
      name: "mine",
      command: agent,
      args: ["--x"],
      codec: "jsonl",
      env: ["A", "TOKEN"],
      cancelGrace: 3,
    },
    executor: { name: "direct" },
    extensions: [{ name: "tell", api: ["again", "now"] }],
    authoring: "be brief",
    limits: { maxRunDepth: 1, cancelGrace: 3 },
  })
  const { code, stderr, stdout } = await world.mill(["run", program, "--dry-run"])
  for (const fact of [
    planId,
    "program.ts",
    "word.ts",
    "mill.config.ts",
    "--x",
    "tell (again, now)",
    "TOKEN",
  ]) {
    expect(stdout).toContain(fact)
  }
  expect(stdout).not.toContain(secret)
  expect([code, stderr]).toEqual([0, ""])
  expect(listEntries(world.runsDir)).toEqual([])
  expect(findProcesses(`MILL_HOME=${join(world.dir, "home")}`)).toEqual([])
})

test("a dry run refuses the same programs as a run", async () => {
  const bad = world.write("bad.ts", `import { x } from "./nothing.ts"\nexport default x`)
  const { code, stdout } = await world.mill(["run", bad, "--dry-run", "--json"])
  expect([code, JSON.parse(stdout).error._tag]).toEqual([2, "ProgramError"])
})

test("a run stores the plan that --dry-run prints", async () => {
  const { events, record } = await world.run(program)
  const seen = await dryRun()
  expect(record.planId).toBe(seen.planId)
  const { invocation, ...kept } = JSON.parse(readFileSync(record.paths.planFile, "utf8"))
  expect(kept).toEqual(seen)
  expect(invocation.runId).toBe(record.id)
  expect(events[0]).toMatchObject({ type: "run:start", payload: { planId: seen.planId } })
})

test("a codec's options are part of the plan", async () => {
  const cwd = join(world.dir, "claude")
  world.write("claude/instructions.ts", `export const instructions = "none"`)
  const makePlan = async (options: string) => {
    world.write(
      "claude/mill.config.ts",
      formatConfig(`processDriver({ command: "true", codec: claudeCodec(${options}) })`),
    )
    return JSON.parse((await world.mill(["run", program, "--dry-run", "--json"], { cwd })).stdout)
  }
  const plain = await makePlan("")
  const reading = await makePlan(`{ tools: ["Read"] }`)
  expect([plain.driver.codecOptions, reading.driver.codecOptions]).toEqual([{}, { tools: ["Read"] }])
  expect(plain.planId).not.toBe(reading.planId)
})

test("the worker refuses a configuration that evaluates differently, and names the field", async () => {
  const cwd = join(world.dir, "moody")
  world.write("moody/instructions.ts", `export const instructions = "none"`)
  world.write(
    "moody/mill.config.ts",
    formatConfig(`processDriver({ command: "${agent}", codec: jsonlCodec(), args: [String(process.pid)] })`),
  )
  const { code, record, result } = await world.run(program, [], { cwd })
  expect([code, record.status, result.spawns]).toEqual([1, "failed", []])
  expect(record.errorMessage).toContain("differs from the submitted plan in driver.args.0")
})

test("status lists changed sources, and the run is not affected", async () => {
  const fifo = join(world.dir, "gate")
  Bun.spawnSync(["mkfifo", fifo])
  world.write("live/instructions.ts", `export const instructions = "none"`)
  const gated = writeScript(
    world,
    "live/gated",
    `read -r _ < "${fifo}"\necho '{"type":"result","text":"done"}'`,
  )
  const own = world.write("live/mill.config.ts", formatConfig(formatJsonlDriver(gated)))
  const main = world.write(
    "live/main.ts",
    `import { word } from "./part.ts"
const { text } = await mill.spawn({ agent: "a", systemPrompt: "s", prompt: word, model: "m" })
export default [word, text, (await import("./part.ts")).word]`,
  )
  const part = world.write("live/part.ts", `export const word = "old"`)
  const cwd = join(world.dir, "live")
  const { runId } = JSON.parse((await world.mill(["run", main, "--json"], { cwd })).stdout)
  const status = async () => JSON.parse((await world.mill(["status", runId, "--json"], { cwd })).stdout)
  await waitFor("the agent to start", async () => (await status()).spawns.running === 1)
  expect((await status()).changedSources).toEqual([])

  writeFileSync(part, `export const word = "new"`)
  rmSync(own)
  expect((await status()).changedSources).toEqual([
    { path: part, change: "edited" },
    { path: own, change: "missing" },
  ])
  const { stdout } = await world.mill(["status", runId], { cwd })
  expect(stdout).toContain(`${part} has changed since the run was submitted`)
  expect(stdout).toContain(`${own} no longer exists`)

  writeFileSync(fifo, "\n")
  expect((await world.mill(["wait", runId, "--timeout", "60"], { cwd })).code).toBe(0)
  const result = JSON.parse(readFileSync((await status()).paths.resultFile, "utf8"))
  expect(result.programResult).toEqual(["old", "done", "old"])
  writeFileSync(part, `export const word = "old"`)
  expect((await status()).changedSources).toEqual([{ path: own, change: "missing" }])
})

describe("the worker", () => {
  const returning = world.write("returning.ts", `await Bun.sleep(1)\nreturn "honest"`)

  /** Starts the worker of a submitted run, in its own store, after `change` has edited the run's files. */
  const startChanged = async (name: string, change: (folder: string) => void) => {
    const store = join(world.dir, `stores/${name}`)
    const { record } = await world.run(returning)
    const folder = join(store, record.id)
    for (const file of ["plan.json", "program.ts", "sources", "spawns", "logs"]) {
      cpSync(join(record.paths.runDir, file), join(folder, file), { recursive: true })
    }
    change(folder)
    await world.mill(["_worker", "--run-id", record.id, "--runs-dir", store])
    return JSON.parse(readFileSync(join(folder, "result.json"), "utf8"))
  }
  const edit = (file: string, from: string | RegExp, to: string) =>
    writeFileSync(file, readFileSync(file, "utf8").replace(from, to))

  test("carries out the submitted plan", async () => {
    expect(await startChanged("same", () => undefined)).toMatchObject({
      status: "complete",
      programResult: "honest",
    })
  })
  const evil = writeScript(world, "evil", `: > "${join(world.dir, "evil-ran")}"`)
  test.each([
    ["driver.command", (folder: string) => edit(join(folder, "plan.json"), agent, evil)],
    [
      "limits.cancelGrace",
      (folder: string) => edit(join(folder, "plan.json"), /"cancelGrace":3\}/, `"cancelGrace":9}`),
    ],
    [
      "program.0.loadAs",
      (folder: string) => {
        const { program: sources } = JSON.parse(readFileSync(join(folder, "plan.json"), "utf8"))
        edit(join(folder, "sources", sources[0].loadAs), "honest", "evil")
      },
    ],
  ])("refuses a plan with another %s", async (field, change) => {
    const result = await startChanged(field, change)
    expect([result.status, result.errorMessage]).toEqual([
      "failed",
      expect.stringContaining(`differs from the submitted plan in ${field}`),
    ])
    expect(existsSync(join(world.dir, "evil-ran"))).toBe(false)
  })
})
