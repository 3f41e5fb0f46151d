/** Runs in real containers of podman. container.test.ts covers podman and docker with stand-ins. */
import { afterAll, describe, expect, test } from "bun:test"
import { existsSync, readFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import {
  filterEvents,
  formatJsonlDriver,
  isAlive,
  listEntries,
  makeWorld,
  waitFor,
  writeConfig,
  writeScript,
} from "../support/mill.ts"
import { isWithoutPodman, podman } from "../support/podman.ts"

const world = makeWorld()
const brokenImage = podman?.makeBrokenImage() ?? ""
const secret = "s3cret-of-the-submitter"
world.write("user/.ssh/id_rsa", secret)
world.write("project/.env", secret)
world.write("project/notes.txt", "the notes")
world.write("project/lib/used.ts", `export const used = "used"`)
writeConfig(
  world,
  {
    outside: formatJsonlDriver(
      writeScript(world, "agents/outside", `echo "{\\"type\\":\\"result\\",\\"text\\":\\"$(ls .env)\\"}"`),
    ),
    hangs: formatJsonlDriver(
      writeScript(world, "agents/hangs", `echo '{"type":"milestone","message":"hangs"}'; exec sleep 300`),
    ),
  },
  "project/mill.config.ts",
  `cancelGrace: 0.3, executors: {
    vm: vmExecutor({ runtime: "podman", image: "${podman?.image}" }),
    open: vmExecutor({ runtime: "podman", image: "${podman?.image}", env: ["LET_IN"], setEnv: { FIXED: "fixed" }, readable: ["notes.txt"] }),
    limited: vmExecutor({ runtime: "podman", image: "${podman?.image}", memory: 256, processes: 32 }),
    broken: vmExecutor({ runtime: "podman", image: "${brokenImage}" }),
  },`,
)
const server = createServer((_, response) => response.end("answered"))
await new Promise<void>((done) => server.listen(0, "127.0.0.1", done))
const { port } = server.address() as AddressInfo
afterAll(() => {
  server.close()
  podman?.remove()
})

const options = {
  cwd: join(world.dir, "project"),
  env: { ...podman?.env, SECRET: secret, LET_IN: "let-in" },
}
const run = (program: string, executor: string) =>
  world.run(program, ["--executor", executor, "--driver", "outside"], options)
const listContainers = () => podman?.call("ps", "--all", "--format", "{{.Names}}").split("\n") ?? []
const spawn = `mill.spawn({ agent: "a", systemPrompt: "s", prompt: "p", model: "m" })`

/** Expressions that succeed with the executor `direct`. */
const attempts: Readonly<Record<string, string>> = {
  "read the home folder": `fs.readFileSync(${JSON.stringify(join(world.dir, "user/.ssh/id_rsa"))}, "utf8")`,
  "list the store": `fs.readdirSync(${JSON.stringify(world.runsDir)}).length`,
  "read a .env beside it": `fs.readFileSync(import.meta.dir + "/.env", "utf8")`,
  "read another file beside it": `fs.readFileSync("notes.txt", "utf8")`,
  "read the system's files": `fs.readFileSync("/usr/bin/env").length`,
  "write beside itself": `fs.writeFileSync(import.meta.dir + "/written", "x") ?? "written"`,
  "write beside what it imports": `fs.writeFileSync(import.meta.dir + "/lib/written", "x") ?? "written"`,
  "write to itself": `fs.closeSync(fs.openSync(import.meta.path, "r+")) ?? "opened"`,
  "read the submitter's environment": `process.env.SECRET ?? (() => { throw new Error("not set") })()`,
  "connect by TCP": `fetch("http://127.0.0.1:${port}").then((response) => response.text())`,
  "see another process": `fs.statSync("/proc/${process.pid}/cwd").isDirectory()`,
}

describe.skipIf(isWithoutPodman)("with podman", () => {
  test("a program is confined to its container, and its agents run outside", async () => {
    const program = world.write(
      "project/tries.ts",
      `import * as fs from "node:fs"
import { used } from "./lib/used.ts"
const outcomes: Record<string, string> = {}
const attempt = async (name: string, what: () => unknown) => {
  try { await what(); outcomes[name] = "allowed" } catch { outcomes[name] = "denied" }
}
${Object.entries(attempts)
  .map(([name, expression]) => `await attempt(${JSON.stringify(name)}, () => ${expression})`)
  .join("\n")}
mill.log("tried")
export default { used, outcomes, answers: (await Promise.all([${spawn}, ${spawn}])).map(({ text }) => text) }`,
    )
    const expectAll = (outcome: string) => ({
      used: "used",
      outcomes: Object.fromEntries(Object.keys(attempts).map((name) => [name, outcome])),
      answers: [".env", ".env"],
    })
    const { events, record, result } = await run(program, "vm")
    expect(result.errorMessage).toBeUndefined()
    expect(result.programResult).toEqual(expectAll("denied"))
    expect(filterEvents(events, "run:log").map(({ payload }) => payload.message)).toEqual(["tried"])
    expect(listContainers()).not.toContain(`mill-${record.id}`)
    for (const name of ["written", "lib/written"]) {
      expect(existsSync(join(world.dir, "project", name))).toBe(false)
    }
    expect((await run(program, "direct")).result.programResult).toEqual(expectAll("allowed"))
  })

  test("a program sees the files and variables of its executor, and has no capabilities", async () => {
    const program = world.write(
      "project/looks.ts",
      `import { readdirSync, readFileSync, writeFileSync } from "node:fs"
writeFileSync("/tmp/mine", "mine")
export default {
  here: readdirSync("."), notes: readFileSync("notes.txt", "utf8"), mine: readFileSync("/tmp/mine", "utf8"),
  LET_IN: process.env.LET_IN, FIXED: process.env.FIXED, HOME: process.env.HOME,
  capabilities: /CapEff:\\s*(\\w+)/.exec(readFileSync("/proc/self/status", "utf8"))?.[1],
}`,
    )
    const { result } = await run(program, "open")
    expect(result.errorMessage).toBeUndefined()
    expect(result.programResult).toEqual({
      here: expect.arrayContaining(["looks.ts", "notes.txt"]),
      notes: "the notes",
      mine: "mine",
      LET_IN: "let-in",
      FIXED: "fixed",
      HOME: "/tmp",
      capabilities: "0000000000000000",
    })
  })

  test.each([
    ["exit", "process.exit(3)", "the program exited with code 3"],
    [
      "memory",
      "const all = []; while (true) all.push(new Uint8Array(16 * 1024 * 1024).fill(1))",
      "the program's process was killed by SIGKILL",
    ],
  ])("a program that ends badly fails the run: %s", async (name, source, message) => {
    const { record, result } = await run(world.write(`project/${name}.ts`, source), "limited")
    expect(result).toMatchObject({ status: "failed", errorMessage: message })
    expect(listContainers()).not.toContain(`mill-${record.id}`)
  })

  const begin = async (name: string) => {
    const program = world.write(
      `project/${name}.ts`,
      `process.on("SIGTERM", () => {})\nvoid ${spawn}\nsetInterval(() => {}, 1000)`,
    )
    const args = ["run", program, "--json", "--executor", "vm", "--driver", "hangs"]
    const { runId } = JSON.parse((await world.mill(args, options)).stdout)
    const log = join(world.runsDir, runId, "events.ndjson")
    await waitFor("the agent to start", () => existsSync(log) && readFileSync(log, "utf8").includes("hangs"))
    const pid = Number(podman?.call("inspect", "--format", "{{.State.Pid}}", `mill-${runId}`))
    expect(isAlive(pid)).toBe(true)
    return { runId: String(runId), pid }
  }

  test("a container is removed when its run is cancelled", async () => {
    const { pid, runId } = await begin("cancelled")
    expect((await world.mill(["cancel", runId, "--json"], options)).code).toBe(0)
    expect(isAlive(pid)).toBe(false)
    expect(listContainers()).not.toContain(`mill-${runId}`)
    expect(world.readRecord(runId).status).toBe("cancelled")
  })

  test("a container is removed when the run's worker is killed", async () => {
    const { pid, runId } = await begin("lost")
    const owner = JSON.parse(readFileSync(join(world.runsDir, runId, "owner.1"), "utf8"))
    process.kill(owner.pid, "SIGKILL")
    await waitFor("the run to end", () => world.readRecord(runId).status === "failed")
    expect(isAlive(pid)).toBe(false)
    expect(listContainers()).not.toContain(`mill-${runId}`)
  })

  test("an image without glibc is refused before the run starts", async () => {
    const program = world.write("project/broken.ts", "export default 1")
    const before = listEntries(world.runsDir)
    const args = ["run", program, "--json", "--executor", "broken", "--driver", "outside"]
    const { code, stdout } = await world.mill(args, options)
    expect(JSON.parse(stdout).error).toMatchObject({
      _tag: "ConfigError",
      message: expect.stringMatching(
        /^executor broken: podman cannot run a container on this machine: .*no such file or directory/i,
      ),
      hint: expect.stringContaining("the image must contain glibc"),
    })
    expect(code).toBe(2)
    expect(listEntries(world.runsDir)).toEqual(before)
  })
})
