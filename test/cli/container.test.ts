/**
 * Runs in containers, with a fake docker and podman that record their arguments and run the host on the mounted files.
 * mill can reach the process that the fake starts only through `rm`.
 */
import { describe, expect, test } from "bun:test"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import {
  waitFor,
  isAlive,
  formatJsonlDriver,
  listEntries,
  makeWorld,
  writeAgent,
  writeConfig,
  writeScript,
} from "../support/mill.ts"

const world = makeWorld()
const standIn = `import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs"
const argv = process.argv.slice(2)
const note = (name: string) => import.meta.dir + "/" + name
appendFileSync(note("calls"), JSON.stringify({ as: process.argv[1].split("/").at(-1), argv, token: process.env.TOKEN }) + "\\n")
if (argv[0] === "rm") {
  const file = note(argv.at(-1) + ".pid")
  if (existsSync(file)) try { process.kill(Number(readFileSync(file, "utf8")), "SIGKILL") } catch {}
  process.exit(0)
}
const valuesOf = (option: string) => argv.flatMap((word, index) => (argv[index - 1] === option ? [word] : []))
const isProbe = !argv.includes("--name")
if (argv.includes("unusable:image") || (argv.includes("broken:image") && !isProbe)) {
  console.error("the stand-in has no daemon to talk to")
  process.exit(125)
}
const shown = new Map(valuesOf("--mount").flatMap((mount) => {
  const [, src, dst] = /src=([^,]*),dst=([^,]*)/.exec(mount) ?? []
  return src === undefined ? [] : [[dst, src]]
}))
const at = argv.indexOf("--entrypoint")
const command = [argv[at + 1], ...argv.slice(at + 3)].map((word) => shown.get(word) ?? word)
const env = Object.fromEntries(valuesOf("--env").map((entry) => {
  const [name = "", ...value] = entry.split("=")
  return [name, value.length > 0 ? value.join("=") : process.env[name]]
}))
delete env.MILL_RUN_ID
const child = Bun.spawn(command, { env, detached: true, stdin: "ignore", stdout: "inherit", stderr: "inherit" })
if (!isProbe) writeFileSync(note(valuesOf("--name")[0] + ".pid"), String(child.pid))
process.on("SIGTERM", () => child.kill("SIGTERM"))
await child.exited
const signals = { SIGKILL: 137, SIGTERM: 143 }
process.exit(child.signalCode === null ? child.exitCode : signals[child.signalCode])`
const names = ["docker", "podman"] as const
for (const name of names) writeAgent(world, `bin/${name}`, standIn)

const hangs = writeScript(
  world,
  "agents/hangs",
  `echo '{"type":"milestone","message":"hangs"}'; exec sleep 300`,
)
writeConfig(
  world,
  {
    instant: formatJsonlDriver(
      writeScript(world, "agents/instant", `echo '{"type":"result","text":"done"}'`),
    ),
    hangs: formatJsonlDriver(hangs),
  },
  "mill.config.ts",
  `cancelGrace: 0.3, executors: {
    docker: vmExecutor({ runtime: "docker", image: "small:image", env: ["TOKEN"], memory: 256, processes: 32 }),
    podman: vmExecutor({ runtime: "podman", image: "small:image", env: ["TOKEN"] }),
    broken: vmExecutor({ runtime: "docker", image: "broken:image" }),
    unusable: vmExecutor({ runtime: "docker", image: "unusable:image" }),
  },`,
)
const options = { env: { PATH: `${join(world.dir, "bin")}:${process.env["PATH"]}`, TOKEN: "the-token" } }
const spawn = `mill.spawn({ agent: "a", systemPrompt: "s", prompt: "p", model: "m" })`

type Call = { readonly as: string; readonly argv: ReadonlyArray<string>; readonly token?: string }
const readAllCalls = (): ReadonlyArray<Call> =>
  readFileSync(join(world.dir, "bin/calls"), "utf8")
    .trimEnd()
    .split("\n")
    .map((line): Call => JSON.parse(line))
const readCalls = (runId: string): ReadonlyArray<Call> =>
  readAllCalls().filter(({ argv }) => argv.includes(`mill-${runId}`))
const readPid = (runId: string) => {
  const file = join(world.dir, `bin/mill-${runId}.pid`)
  return existsSync(file) ? Number(readFileSync(file, "utf8")) : undefined
}

describe.each(names)("with %s", (name) => {
  const args = ["--executor", name, "--driver"]

  test("a program runs in a container, which is removed", async () => {
    const program = world.write(
      `${name}-runs.ts`,
      `console.log("printed")
export default [(await ${spawn}).text, process.env.TOKEN, process.env.HOME, process.env.MILL_RUNS_DIR ?? null]`,
    )
    const { record, result } = await world.run(program, [...args, "instant"], options)
    expect(result.programResult).toEqual(["done", "the-token", "/tmp", null])
    const [call, ...more] = readCalls(record.id)
    expect(more).toEqual([])
    expect(call).toMatchObject({ as: name, token: "the-token" })
    for (const word of ["--rm", "none", "--read-only", "ALL", "no-new-privileges", "small:image"]) {
      expect(call?.argv).toContain(word)
    }
    expect(call?.argv.includes("--pids-limit")).toBe(name === "docker")
    expect(call?.argv.join(" ")).not.toContain("the-token")
    expect(call?.argv.join(" ")).not.toContain(".ctl")
  })

  test.each([
    ["process.exit(3)", "the program exited with code 3"],
    [
      `process.kill(process.pid, "SIGKILL"); await Bun.sleep(60_000)`,
      "the program's process was killed by SIGKILL",
    ],
  ])("a program with %s fails", async (source, message) => {
    const program = world.write(`${name}-${source.length}.ts`, source)
    const { result } = await world.run(program, [...args, "instant"], options)
    expect(result).toMatchObject({ status: "failed", errorMessage: message })
  })

  const begin = async () => {
    const program = world.write(
      `${name}-hangs.ts`,
      `process.on("SIGTERM", () => {})\nvoid ${spawn}\nsetInterval(() => {}, 1000)`,
    )
    const { stdout } = await world.mill(["run", program, "--json", ...args, "hangs"], options)
    const { runId } = JSON.parse(stdout)
    const log = join(world.runsDir, runId, "events.ndjson")
    await waitFor(
      "the agent to start",
      () => existsSync(log) && readFileSync(log, "utf8").includes("milestone"),
    )
    const pid = await waitFor("the container to start", () => readPid(runId))
    expect(isAlive(pid)).toBe(true)
    return { runId: String(runId), pid }
  }

  test("a container that ignores SIGTERM is removed when the run is cancelled", async () => {
    const { pid, runId } = await begin()
    expect((await world.mill(["cancel", runId, "--json"], options)).code).toBe(0)
    expect(isAlive(pid)).toBe(false)
    expect(readCalls(runId).map(({ argv }) => argv[0])).toEqual(["run", "rm"])
    expect(readCalls(runId)[1]?.argv).toEqual(["rm", "--force", `mill-${runId}`])
    expect(world.readRecord(runId).status).toBe("cancelled")
  })

  test("a container is removed when the worker is killed", async () => {
    const { pid, runId } = await begin()
    const owner = JSON.parse(readFileSync(join(world.runsDir, runId, "owner.1"), "utf8"))
    process.kill(owner.pid, "SIGKILL")
    await waitFor("the run to end", () => world.readRecord(runId).status === "failed")
    expect(isAlive(pid)).toBe(false)
    expect(readCalls(runId).map(({ argv }) => argv[0])).toContain("rm")
  })
})

test("a runtime that cannot run a container is refused before the run starts", async () => {
  const program = world.write("unusable.ts", "export default 1")
  const before = listEntries(world.runsDir)
  const args = ["run", program, "--json", "--executor", "unusable", "--driver", "instant"]
  const { code, stdout } = await world.mill(args, options)
  expect(JSON.parse(stdout).error).toMatchObject({
    _tag: "ConfigError",
    message:
      "executor unusable: docker cannot run a container on this machine: the stand-in has no daemon to talk to",
  })
  expect(code).toBe(2)
  expect(listEntries(world.runsDir)).toEqual(before)
})

test("the check before the run uses the executor's image and limits, and no secrets", async () => {
  const program = world.write("probed.ts", "export default 1")
  await world.mill(["run", program, "--dry-run", "--executor", "docker", "--driver", "instant"], options)
  const probe = readAllCalls().findLast(({ argv }) => !argv.includes("--name"))?.argv ?? []
  for (const words of ["--memory 256m", "--pids-limit 32", "--network none", "small:image --version"]) {
    expect(probe.join(" ")).toContain(words)
  }
  expect(probe).not.toContain("TOKEN")
})

test("a container that cannot start fails the run with its error output", async () => {
  const program = world.write("broken.ts", "export default 1")
  const { code, result } = await world.run(program, ["--executor", "broken", "--driver", "instant"], options)
  expect(result.errorMessage).toBe(
    "the program's process exited before the program started (exit code 125): the stand-in has no daemon to talk to",
  )
  expect(code).toBe(1)
})
