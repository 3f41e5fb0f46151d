/** The executable works alone: the PATH is empty. */
import { expect, test } from "bun:test"
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import {
  listEntries,
  waitFor,
  formatJsonlDriver,
  makeWorld,
  writeConfig,
  writeScript,
} from "../support/mill.ts"
import { buildExecutable } from "./build.ts"

const world = makeWorld([buildExecutable()])
const alone = { PATH: "", HOME: join(world.dir, "nobody") }
const ask = `mill.spawn({ agent: "a", systemPrompt: "s", prompt: "Why?", model: "m" })`

/** Sets up a folder with a configuration whose agent is a shell script. */
const setUpFolder = (folder: string, agent: string) => {
  const command = writeScript(world, `${folder}/agent.sh`, agent)
  writeConfig(world, { mine: formatJsonlDriver(command) }, `${folder}/mill.config.ts`)
  return { cwd: join(world.dir, folder), env: alone }
}
const marked = `read -r request; echo '{"type":"result","text":"mark: '"\${BUN_BE_BUN-none}"'"}'`
const hasStarted = (runId: string) => listEntries(join(world.runsDir, runId, "spawns")).length > 0
const listCache = () => {
  const cache = join(world.dir, "home/cache")
  return readdirSync(cache, { recursive: true, encoding: "utf8" }).map((name) => join(cache, name))
}

test("help, a dry run and commands that read runs unpack nothing, even with a configuration", async () => {
  const options = setUpFolder("reading", "exit 1")
  world.write("reading/program.ts", `await ${ask}`)
  const help = await world.mill(["--help"], options)
  expect(help.stdout).toContain("mine")
  const planned = await world.mill(["run", "program.ts", "--dry-run", "--json"], options)
  expect(JSON.parse(planned.stdout).driver.name).toBe("mine")
  for (const args of [["--version"], ["ls"], ["status", "last"]]) await world.mill(args, options)
  expect(listEntries(join(world.dir, "home"))).not.toContain("cache")
})

test("runs a program with the offline agent, for a user with an empty home", async () => {
  const program = world.write("plain/program.ts", `export default (await ${ask}).text`)
  const env = { ...alone, MILL_HOME: undefined }
  const options = { cwd: join(world.dir, "plain"), env }
  const { code, stdout } = await world.mill(
    ["run", program, "--driver", "offline", "--sync", "--json"],
    options,
  )
  const { result, run } = JSON.parse(stdout)
  expect({ code, text: result.programResult }).toEqual({
    code: 0,
    text: expect.stringContaining("rehearsing offline"),
  })
  expect(run.paths.runDir).toStartWith(join(alone.HOME, ".mill/runs/"))
})

test("evaluates a configuration that imports @mill/core, without node_modules", async () => {
  const options = setUpFolder("own", marked)
  const program = world.write("own/program.ts", `export default (await ${ask}).text`)
  const ran = await world.run(program, [], options)
  expect(ran.record.driver).toBe("mine")
  // Agents do not inherit the variable that makes mill run as Bun.
  expect(ran.result.programResult).toBe("mark: none")
})

test("programs and their children do not run as Bun", async () => {
  const program = world.write(
    "plain/environment.ts",
    `import { execFileSync } from "node:child_process"
const shell = ["/bin/sh", "-c", 'printf "\${BUN_BE_BUN-none}"']
const thread = new Worker("data:text/javascript," + encodeURIComponent(\`
  const { stdout } = Bun.spawnSync(\${JSON.stringify(shell)})
  postMessage([process.env.BUN_BE_BUN ?? "none", String(stdout)])\`))
const fromThread = await new Promise((resolve) => { thread.onmessage = ({ data }) => resolve(data) })
thread.terminate()
export default [
  process.env.BUN_BE_BUN ?? "none",
  await new Response(Bun.spawn(shell).stdout).text(),
  String(Bun.spawnSync({ cmd: shell }).stdout),
  execFileSync(shell[0], shell.slice(1), { encoding: "utf8" }),
  ...fromThread,
]`,
  )
  const { result } = await world.run(program, ["--driver", "offline"], { env: alone })
  expect(result.programResult).toEqual(Array.from({ length: 6 }, () => "none"))
})

test("errors keep their exit codes, and Ctrl-C leaves the run running", async () => {
  const options = setUpFolder("signals", `while [ ! -e open ]; do /bin/sleep 0.02; done; ${marked}`)
  const program = world.write("signals/program.ts", `export default (await ${ask}).text`)
  const refused = await world.mill(["run", program, "--driver", "absent"], options)
  expect({ code: refused.code, stderr: refused.stderr }).toEqual({
    code: 2,
    stderr: expect.stringContaining(`unknown driver "absent"`),
  })

  const before = listEntries(world.runsDir)
  const staying = world.start(["run", program, "--sync"], options)
  const runId = await waitFor("the agent has been started", () =>
    listEntries(world.runsDir).find((id) => !before.includes(id) && hasStarted(id)),
  )
  staying.kill("SIGINT")
  expect(await staying.exited).toBe(130)
  world.write("signals/open", "")
  const waited = await world.mill(["wait", runId, "--timeout", "60"], options)
  expect(waited.code).toBe(0)
})

test("a run continues after its command has exited, and can be cancelled", async () => {
  const options = setUpFolder("detached", `read -r request; exec /bin/sleep 1000`)
  const program = world.write("detached/program.ts", `await ${ask}`)
  const { stdout } = await world.mill(["run", program, "--json"], options)
  const { runId } = JSON.parse(stdout)
  await waitFor("the agent has been started", () => hasStarted(runId))
  const cancelled = await world.mill(["cancel", runId, "--json"], options)
  expect(JSON.parse(cancelled.stdout)).toMatchObject({ status: "cancelled", alreadyTerminal: false })
  expect((await world.mill(["wait", runId], options)).code).toBe(130)
})

test("unpacked files are private, and damaged ones are repaired", async () => {
  const options = setUpFolder("damage", marked)
  const program = world.write("damage/program.ts", `export default (await ${ask}).text`)
  await world.run(program, [], options)
  const files = listCache().filter((file) => statSync(file).isFile())
  expect(files.length).toBeGreaterThan(0)
  const contents = files.map((file) => readFileSync(file))
  expect(files.map((file) => statSync(file).mode & 0o777)).toEqual(files.map(() => 0o600))
  for (const [index, file] of files.entries()) {
    writeFileSync(file, index % 2 === 0 ? (contents[index]?.subarray(0, 100) ?? "") : "process.exit(9)")
  }
  const { result } = await world.run(program, [], options)
  expect(result.programResult).toBe("mark: none")
  expect(files.map((file) => readFileSync(file))).toEqual(contents)
})
