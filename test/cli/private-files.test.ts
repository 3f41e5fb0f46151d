/** Files of a run are readable by their owner only, and secrets are never written. */
import { beforeAll, expect, test } from "bun:test"
import { lstatSync, mkdirSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { waitFor, formatJsonlDriver, makeWorld, writeAgent, writeConfig } from "../support/mill.ts"

const world = makeWorld()
const secret = `sk-${"0123456789abcdef".repeat(2)}`
const runtimeDir = join(world.dir, "x")
mkdirSync(runtimeDir)

let runId = ""
beforeAll(async () => {
  const agent = writeAgent(
    world,
    "agent",
    `const { TOKEN } = process.env
const text = new Bun.CryptoHasher("sha256").update(TOKEN ?? "").digest("hex")
while (!require("fs").existsSync("go")) await Bun.sleep(5)
console.log(JSON.stringify({ type: "result", text }))`,
  )
  writeConfig(world, { agent: formatJsonlDriver(agent, `env: { TOKEN: process.env["FROM_OUTSIDE"] ?? "" }`) })
  world.write(
    "program.ts",
    `const { text } = await mill.spawn({ agent: "a", systemPrompt: "s", prompt: "p", model: "m" })
mill.log("done")
export default text`,
  )
  const umask = process.umask(0)
  const child = world.start(["run", "program.ts", "--json"], {
    env: { FROM_OUTSIDE: secret, XDG_RUNTIME_DIR: runtimeDir },
  })
  process.umask(umask)
  runId = JSON.parse(await new Response(child.stdout).text()).runId
})

/** Lists every file and folder below `root` with its permissions. */
const listModes = (
  root: string,
): ReadonlyArray<readonly [path: string, mode: string, directory: boolean]> => {
  const info = lstatSync(root)
  const here = [root, (info.mode & 0o777).toString(8), info.isDirectory()] as const
  return info.isDirectory()
    ? [here, ...readdirSync(root).flatMap((name) => listModes(join(root, name)))]
    : [here]
}
const listTooOpen = (root: string) =>
  listModes(root).filter(([, mode, directory]) => mode !== (directory ? "700" : "600"))

test("folders have mode 0700 and files 0600 whatever the umask, even while the run is live", async () => {
  await waitFor("the file of the agent", () =>
    readdirSync(join(world.runsDir, runId, "spawns")).includes("spawn_1.json"),
  )
  const folder = join(runtimeDir, "mill")
  expect((lstatSync(folder).mode & 0o777).toString(8)).toBe("700")
  expect(readdirSync(folder).some((name) => name.includes(runId))).toBe(true)
  expect(listTooOpen(join(world.runsDir, runId))).toEqual([])
  world.write("go", "")
  const { code } = await world.mill(["wait", runId, "--timeout", "60"])
  expect(code).toBe(0)
  expect(listTooOpen(join(world.dir, "home"))).toEqual([])
  expect(listModes(join(world.runsDir, runId)).length).toBeGreaterThan(10)
})

test("a spawn's file records its input, its process and its outcome", () => {
  const file = JSON.parse(readFileSync(join(world.runsDir, runId, "spawns/spawn_1.json"), "utf8"))
  expect(file).toMatchObject({
    spawnId: "spawn_1",
    input: { agent: "a", systemPrompt: "s", prompt: "p", model: "m" },
    outcome: { type: "spawn:complete" },
  })
  expect(file.process.pid).toBeGreaterThan(1)
  expect(file.process.startTime).not.toBe("")
  expect(Date.parse(file.startedAt)).toBeGreaterThan(0)
})

test("a driver's environment reaches its agent and is not in the run's folder", () => {
  const result = JSON.parse(readFileSync(join(world.runsDir, runId, "result.json"), "utf8"))
  expect(result.programResult).toBe(new Bun.CryptoHasher("sha256").update(secret).digest("hex"))
  const files = listModes(join(world.runsDir, runId)).filter(([, , directory]) => !directory)
  const telling = files.filter(([path]) => readFileSync(path).includes(secret))
  expect(telling).toEqual([])
  const plan = JSON.parse(readFileSync(join(world.runsDir, runId, "plan.json"), "utf8"))
  expect(plan.driver.env).toEqual(["TOKEN"])
})

test("the sockets of a run are removed at its end", async () => {
  const folder = join(runtimeDir, "mill")
  await waitFor("the sockets to be removed", () => !readdirSync(folder).some((name) => name.includes(runId)))
})
