/** What a sandboxed program can and cannot do, compared with the same program outside. */
import { afterAll, describe, expect, test } from "bun:test"
import { existsSync, readdirSync, readFileSync, symlinkSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import {
  formatJsonlDriver,
  isSource,
  makeWorld,
  filterEvents,
  writeConfig,
  writeScript,
} from "../support/mill.ts"
import { isWithoutSandbox } from "../support/sandbox.ts"

const world = makeWorld()
const secret = "s3cret-of-the-submitter"
const userHome = join(world.dir, "user")
world.write("user/.ssh/id_rsa", secret)
world.write("project/.env", secret)
world.write("project/.git/config", secret)
world.write("project/notes.txt", secret)
world.write("project/lib/used.ts", `export const used = "used"`)
world.write("project/lib/unused.ts", secret)

world.write("beside.txt", "beside")
symlinkSync(world.dir, join(world.dir, "project/alias"))

const drivers = {
  instant: formatJsonlDriver(writeScript(world, "agents/instant", `echo '{"type":"result","text":"done"}'`)),
  // Answers with its folder, the files in it and a variable that is hidden from programs.
  outside: formatJsonlDriver(
    writeScript(
      world,
      "agents/outside",
      `echo "{\\"type\\":\\"result\\",\\"text\\":\\"$PWD $(ls .env notes.txt | tr '\\n' ' ')$SECRET\\"}"`,
    ),
  ),
  edits: formatJsonlDriver(
    writeScript(world, "agents/edits", `echo 'edited' > frozen.ts; echo '{"type":"result","text":"done"}'`),
  ),
}
writeConfig(
  world,
  drivers,
  "project/mill.config.ts",
  `executors: { open: vmExecutor({ env: ["LET_IN", "NOT_SET"], setEnv: { FIXED: "fixed-value" }, readable: ["notes.txt"] }), odd: vmExecutor({ env: ["toString", "__proto__", "LET_IN"] }), alias: vmExecutor({ readable: ["alias"] }) },`,
)

const server = createServer((_, response) => response.end("answered"))
await new Promise<void>((done) => server.listen(0, "127.0.0.1", done))
const { port } = server.address() as AddressInfo
const echo = await Bun.udpSocket({
  hostname: "127.0.0.1",
  socket: { data: (socket, data, from, address) => void socket.send(data, from, address) },
})
const unix = Bun.listen({ unix: join(world.dir, "other.sock"), socket: { data: () => undefined } })
const sleeper = Bun.spawn(["sleep", "600"])
afterAll(() => {
  server.close()
  echo.close()
  unix.stop()
  sleeper.kill()
})

const options = {
  cwd: join(world.dir, "project"),
  env: { HOME: userHome, SECRET: secret, LET_IN: "let-in", XDG_RUNTIME_DIR: undefined },
}
const run = (program: string, executor: string, driver = "instant", args: ReadonlyArray<string> = []) =>
  world.run(program, ["--executor", executor, "--driver", driver, ...args], options)

/** Attempts: expressions that return a value, or reject or throw if the sandbox prevents them. */
const attempts: Readonly<Record<string, string>> = {
  "read the home folder": `fs.readFileSync(${JSON.stringify(join(userHome, ".ssh/id_rsa"))}, "utf8")`,
  "list the store": `fs.readdirSync(${JSON.stringify(world.runsDir)}).length`,
  "read its own run's log": `fs.readFileSync(${JSON.stringify(world.runsDir)} + "/" + mill.run.id + "/events.ndjson", "utf8").length`,
  "read a .env beside it": `fs.readFileSync(import.meta.dir + "/.env", "utf8")`,
  "read a .git beside it": `fs.readFileSync(import.meta.dir + "/.git/config", "utf8")`,
  "read another file beside it": `fs.readFileSync("notes.txt", "utf8")`,
  "read a file beside one that it imports": `fs.readFileSync(import.meta.dir + "/lib/unused.ts", "utf8")`,
  "read /etc/passwd": `fs.readFileSync("/etc/passwd", "utf8").length`,
  "write beside itself": `fs.writeFileSync(import.meta.dir + "/written", "x") ?? "written"`,
  "write beside what it imports": `fs.writeFileSync(import.meta.dir + "/lib/written", "x") ?? "written"`,
  "write to itself": `fs.closeSync(fs.openSync(import.meta.path, "r+")) ?? "opened"`,
  "write to its working directory": `fs.writeFileSync("written-too", "x") ?? "written"`,
  "read the submitter's environment": `process.env.SECRET ?? (() => { throw new Error("not set") })()`,
  "read the environment of another process": `fs.readFileSync("/proc/" + process.ppid + "/environ", "utf8").includes("SECRET=") || (() => { throw new Error("not in it") })()`,
  "connect by TCP": `fetch("http://127.0.0.1:${port}").then((response) => response.text())`,
  "send by UDP": `new Promise(async (done, fail) => {
    const socket = await Bun.udpSocket({ connect: { hostname: "127.0.0.1", port: ${echo.port} }, socket: { data: (_, data) => { socket.close(); done(String(data)) }, error: fail } })
    socket.send("echoed")
    setTimeout(() => { socket.close(); fail(new Error("no answer")) }, 3000).unref()
  })`,
  "connect to another Unix socket": `connect(${JSON.stringify(join(world.dir, "other.sock"))})`,
  "connect to its run's control socket": `connect("/tmp/mill-${process.getuid?.()}/" + mill.run.id + ".ctl")`,
  "see another process": `fs.statSync("/proc/${sleeper.pid}").isDirectory()`,
  "signal another process": `process.kill(${sleeper.pid}, 0)`,
}

/** Attempts that may fail outside, too, depending on the user. */
const attemptsOfRoot: Readonly<Record<string, string>> = {
  "ask for a name": `new dns.Resolver({ timeout: 500, tries: 1 }).resolve4("example.com")`,
  "change the kernel's settings": `fs.closeSync(fs.openSync("/proc/sys/kernel/core_pattern", "r+")) ?? "opened"`,
  "read the environment of the first process": `fs.readFileSync("/proc/1/environ", "utf8").includes("SECRET=") || (() => { throw new Error("not in it") })()`,
  "make namespaces": `succeeds("unshare", "--user", "true")`,
  mount: `succeeds("mount", "-t", "tmpfs", "none", "/tmp")`,
  "see the names of other machines": `fs.readFileSync("/etc/hosts", "utf8")`,
}

const formatAttempts = (what: Readonly<Record<string, string>>): string => `import * as fs from "node:fs"
import * as dns from "node:dns/promises"
import { used } from "./lib/used.ts"
const connect = async (unix: string) => {
  const socket = await Bun.connect({ unix, socket: { data() {} } })
  socket.end()
  return "connected"
}
const succeeds = (...command: string[]) => {
  if (Bun.spawnSync(command).exitCode !== 0) throw new Error("failed")
  return true
}
const outcomes: Record<string, unknown> = { used }
const attempt = async (name: string, what: () => unknown) => {
  try { outcomes[name] = { done: await what() } } catch (error) { outcomes[name] = { failed: String(error) } }
}
${Object.entries(what)
  .map(([name, expression]) => `await attempt(${JSON.stringify(name)}, () => ${expression})`)
  .join("\n")}
export default outcomes`

const readOutcomes = async (program: string, executor: string) => {
  const { result } = await run(program, executor)
  expect(result.errorMessage).toBeUndefined()
  return result.programResult as Readonly<Record<string, { readonly failed?: string } | string>>
}
const expectAllowed = (names: ReadonlyArray<string>) =>
  Object.fromEntries(names.map((name) => [name, { done: expect.anything() }]))
const expectDenied = (names: ReadonlyArray<string>) =>
  Object.fromEntries(names.map((name) => [name, { failed: expect.any(String) }]))

describe.skipIf(isWithoutSandbox)("a sandboxed program", () => {
  test("cannot do what the same program can do outside", async () => {
    const program = world.write("project/tries.ts", formatAttempts(attempts))
    const names = Object.keys(attempts)
    expect(await readOutcomes(program, "vm")).toEqual({ used: "used", ...expectDenied(names) })
    for (const name of ["written", "lib/written", "written-too"]) {
      expect(existsSync(join(world.dir, "project", name))).toBe(false)
    }
    expect(await readOutcomes(program, "direct")).toEqual({ used: "used", ...expectAllowed(names) })
  })

  test("cannot do what only some users can do outside", async () => {
    const program = world.write("project/tries-more.ts", formatAttempts(attemptsOfRoot))
    expect(await readOutcomes(program, "vm")).toEqual({
      used: "used",
      ...expectDenied(Object.keys(attemptsOfRoot)),
    })
  })

  test("sees only itself, mill's files and the system", async () => {
    const program = world.write(
      "project/looks.ts",
      `import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import "./lib/used.ts"
writeFileSync("/tmp/mine", "mine")
const processes = readdirSync("/proc").filter((name) => /^\\d+$/.test(name))
const commands = processes.map((pid) => readFileSync("/proc/" + pid + "/cmdline", "utf8").split("\\0")[0])
export default {
  here: readdirSync(".").sort(), lib: readdirSync("lib"), tmp: readdirSync("/tmp").filter((name) => name !== ".bun").sort(), own: readdirSync("/run/mill").sort(), run: readdirSync("/run"),
  home: process.env.HOME, mine: readFileSync("/tmp/mine", "utf8"), env: Object.keys(process.env).sort(), commands,
  plan: readFileSync("/run/mill/plan.json", "utf8"), capabilities: /CapEff:\\s*(\\w+)/.exec(readFileSync("/proc/self/status", "utf8"))?.[1],
}`,
    )
    const { programResult } = (await run(program, "vm")).result
    const [top] = world.dir.split("/").slice(2)
    expect(programResult).toMatchObject({
      here: ["lib", "looks.ts"],
      lib: ["used.ts"],
      tmp: [top, "mine"].toSorted(),
      own: ["bin", "bun", "domain", "plan.json", "socket", "sources"].filter(
        // The shipped host is one file.
        (name) => isSource || name !== "domain",
      ),
      run: ["mill"],
      home: "/tmp",
      mine: "mine",
      env: ["HOME", "MILL_RUN_DEPTH", "MILL_RUN_ID", "PATH", "PWD"],
      capabilities: "0000000000000000",
    })
    const { commands, plan } = programResult as {
      readonly commands: ReadonlyArray<string>
      readonly plan: string
    }
    expect(commands).toHaveLength(2)
    // The sandbox has only a part of the plan, without the configuration and the commands of agents.
    expect(Object.keys(JSON.parse(plan)).toSorted()).toEqual([
      "extensions",
      "invocation",
      "program",
      "programPath",
    ])
    expect(existsSync("/tmp/mine")).toBe(false)
  })

  test("sees the files and variables of its executor, whose values are not on disk", async () => {
    const program = world.write(
      "project/let-in.ts",
      `import { readFileSync } from "node:fs"
const { FIXED, LET_IN, NOT_SET = "not set", SECRET = "not set" } = process.env
export default { lengths: [FIXED?.length, LET_IN?.length], fixed: FIXED === "fixed" + "-value", NOT_SET, SECRET, notes: readFileSync("notes.txt", "utf8").length }`,
    )
    const { record, result } = await run(program, "open")
    expect(result.programResult).toEqual({
      lengths: ["fixed-value".length, "let-in".length],
      fixed: true,
      NOT_SET: "not set",
      SECRET: "not set",
      notes: secret.length,
    })
    const plan = JSON.parse(readFileSync(record.paths.planFile, "utf8"))
    expect(plan.executor).toEqual({
      name: "open",
      type: "vm",
      runtime: "bubblewrap",
      command: expect.stringMatching(/^\/.*bwrap$/),
      env: ["LET_IN", "NOT_SET"],
      setEnv: ["FIXED"],
      readable: [join(world.dir, "project/notes.txt")],
    })
    const sources = new Set(plan.config.map(({ sha256 }: { readonly sha256: string }) => sha256))
    for (const name of readdirSync(record.paths.runDir, { recursive: true, withFileTypes: true })) {
      if (!name.isFile() || sources.has(name.name)) continue
      const text = readFileSync(join(name.parentPath, name.name), "utf8")
      for (const value of ["fixed-value", '"let-in"', secret]) expect(text).not.toContain(value)
    }
  })

  test("sees variables with unusual names, and none that are not set", async () => {
    const program = world.write(
      "project/odd-names.ts",
      `export default [Object.hasOwn(process.env, "toString"), Object.hasOwn(process.env, "__proto__"), process.env.LET_IN]`,
    )
    expect((await run(program, "odd")).result.programResult).toEqual([false, false, "let-in"])
  })

  test("sees no runs through a readable link", async () => {
    const program = world.write(
      "project/by-link.ts",
      `import { existsSync, readdirSync, readFileSync } from "node:fs"
const list = (path: string) => existsSync(path) ? readdirSync(path) : []
export default [readFileSync("alias/beside.txt", "utf8"), list("alias/home"), list("alias/home/runs"), list(${JSON.stringify(world.runsDir)})]`,
    )
    expect((await run(program, "alias")).result.programResult).toEqual(["beside", [], [], []])
  })

  test("can write to devices but not next to them", async () => {
    const program = world.write(
      "project/devices.ts",
      `import { writeFileSync } from "node:fs"
const writes = (path: string) => { try { writeFileSync(path, "x"); return true } catch { return false } }
export default ["/dev/null", "/tmp/x", "/dev/x", "/dev/shm/x", "/dev/pts/x"].map(writes)`,
    )
    expect((await run(program, "vm")).result.programResult).toEqual([true, true, false, false, false])
  })

  test("reads its file as it was submitted", async () => {
    const source = `import { readFileSync } from "node:fs"
await mill.spawn({ agent: "a", systemPrompt: "s", prompt: "p", model: "m" })
export default readFileSync(import.meta.path, "utf8")`
    const program = world.write("project/frozen.ts", source)
    const { result } = await run(program, "vm", "edits")
    expect(readFileSync(program, "utf8")).toBe("edited\n")
    expect(result.programResult).toBe(source)
  })

  test("spawns several agents concurrently, outside the sandbox", async () => {
    const program = world.write(
      "project/spawns.ts",
      `const spawn = () => mill.spawn({ agent: "a", systemPrompt: "s", prompt: "p", model: "m" })
mill.log("begins")
console.log("printed")
export default (await Promise.all(Array.from({ length: 20 }, spawn))).map(({ text }) => text)`,
    )
    const { events, result } = await run(program, "vm", "outside")
    const answer = `${join(world.dir, "project")} .env notes.txt ${secret}`
    expect(result.programResult).toEqual(Array.from({ length: 20 }, () => answer))
    expect(filterEvents(events, "run:log").map(({ payload }) => payload.message)).toEqual(["begins"])
  })

  test("resolves packages and their dependencies in the same node_modules", async () => {
    const modules = "project/node_modules"
    world.write(`${modules}/greet/package.json`, `{ "name": "greet", "main": "main.js" }`)
    world.write(`${modules}/greet/main.js`, `export { word as greeting } from "@deep/word/word.js"`)
    world.write(`node_modules/@deep/word/package.json`, `{ "name": "@deep/word" }`)
    world.write(`node_modules/@deep/word/word.js`, `export const word = "hello"`)
    const program = world.write(
      "project/packages.ts",
      `import { greeting } from "greet"\nexport default greeting`,
    )
    expect((await run(program, "vm")).result.programResult).toBe("hello")
  })
})

const refused = async (program: string, executor: string, cwd = options.cwd) => {
  const before = existsSync(world.runsDir) ? readdirSync(world.runsDir).length : 0
  const { code, stdout } = await world.mill(
    ["run", program, "--json", "--driver", "instant", "--executor", executor],
    { ...options, cwd },
  )
  expect(code).toBe(2)
  expect(existsSync(world.runsDir) ? readdirSync(world.runsDir).length : 0).toBe(before)
  return JSON.parse(stdout).error
}

describe.skipIf(isWithoutSandbox)("a sandbox refuses a program that imports", () => {
  const imports: Readonly<Record<string, string>> = {
    "a file outside its project": join(userHome, ".ssh/id_rsa"),
    "a hidden file next to it": "./.env",
    "a file in a hidden folder of its project": "./.git/config",
  }
  test.each(Object.entries(imports))("%s", async (name, path) => {
    const program = world.write(
      `project/imports-${name.replaceAll(" ", "-")}.ts`,
      `import text from ${JSON.stringify(path)} with { type: "text" }\nexport default text`,
    )
    const error = await refused(program, "vm")
    expect(error._tag).toBe("ProgramError")
    expect(error.message).toContain("which executor vm does not allow it to read")
    expect((await run(program, "direct")).result.programResult).toBe(secret)
  })
})
