/** A place of its own for one mill: a store, programs, and agents that are commands of the system. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"

/** An answer at once, in mill's own protocol. */
export const answer = '{"type":"result","text":"ok"}'

/** `agents` by the names of their drivers: a command and its arguments. They speak the jsonl protocol. */
const agents = (
  dir: string,
): Readonly<Record<string, readonly [command: string, ...args: Array<string>]>> => ({
  instant: ["/bin/echo", answer],
  half: ["/bin/sh", "-c", `sleep 0.5; echo '${answer}'`],
  hanging: ["/bin/sleep", "1000"],
  talking: ["/bin/cat", join(dir, "lines.ndjson")],
  ticking: [process.execPath, join(dir, "ticking.ts")],
})

const configText = (dir: string) => `import { defineConfig, jsonlCodec, processDriver } from "@mill/core"
export default defineConfig({
  drivers: {
${Object.entries(agents(dir))
  .map(
    ([name, [command, ...args]]) =>
      `    ${name}: processDriver({ command: ${JSON.stringify(command)}, args: ${JSON.stringify(args)}, codec: jsonlCodec() }),`,
  )
  .join("\n")}
  },
})
`

/** Prints a milestone with the time every 10 ms. */
const tickingText = `for (let tick = 0; tick < Number(process.env["TICKS"] ?? 200); tick++) {
  console.log(JSON.stringify({ type: "milestone", message: String(performance.timeOrigin + performance.now()) }))
  await Bun.sleep(10)
}
console.log(${JSON.stringify(answer)})
`

const spawn = `const spawn = () => mill.spawn({ agent: "a", systemPrompt: "s", prompt: "p", model: "m" })\n`

/** Programs; each gives the milliseconds that its spawns took. */
const programs: Readonly<Record<string, string>> = {
  "nothing.ts": `export default 1\n`,
  "sequential.ts": `${spawn}const count = Number(mill.args[0])
await spawn()
const start = performance.now()
for (let n = 0; n < count; n++) await spawn()
export default performance.now() - start\n`,
  "parallel.ts": `${spawn}const count = Number(mill.args[0])
const start = performance.now()
await Promise.all(Array.from({ length: count }, spawn))
export default performance.now() - start\n`,
  "pool.ts": `${spawn}let left = Number(mill.args[0])
const take = async () => { while (left-- > 0) await spawn() }
const start = performance.now()
await Promise.all(Array.from({ length: Number(mill.args[1]) }, take))
export default performance.now() - start\n`,
  // Gives also the most memory that its worker, which is its parent, has had: in MiB.
  "many.ts": `import { readFileSync } from "node:fs"
${spawn}let left = Number(mill.args[0])
const take = async () => { while (left-- > 0) await spawn() }
const start = performance.now()
await Promise.all(Array.from({ length: 64 }, take))
const millis = performance.now() - start
const status = readFileSync("/proc/" + process.ppid + "/status", "utf8")
export default { millis, memoryMiB: Number(/VmHWM:\\s+(\\d+)/.exec(status)[1]) / 1024 }
`,
  // Stays until it is told to go, so that its worker can be looked at.
  "stay.ts": `${spawn}const start = performance.now()
await spawn()
const took = performance.now() - start
await Bun.write(mill.args[0] + ".there", "")
while (!(await Bun.file(mill.args[0]).exists())) await Bun.sleep(20)
export default took\n`,
}

export type World = {
  readonly dir: string
  readonly runsDir: string
  /** Runs mill to its end. */
  readonly mill: (...args: ReadonlyArray<string>) => Ran
  /** Runs mill in a folder that has no configuration. */
  readonly elsewhere: World["mill"]
  /** Runs mill to its end, and tells how much memory it has had at most. */
  readonly observe: (...args: ReadonlyArray<string>) => Promise<Observed>
  /** Starts mill. */
  readonly start: (...args: ReadonlyArray<string>) => Bun.Subprocess<"ignore", "pipe", "inherit">
  /** Runs a program to its end, and gives what it gives. */
  readonly run: <A = number>(program: string, driver: string, ...args: ReadonlyArray<string>) => A
  /** Starts a run and gives its id. */
  readonly submit: (program: string, driver: string, ...args: ReadonlyArray<string>) => string
  readonly events: (runId: string) => string
  readonly remove: () => void
}

/** A command that has ended. `millis` from its start to its end. */
export type Ran = { readonly stdout: string; readonly millis: number }

const write = (path: string, text: string) => {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}

export const makeWorld = (command: ReadonlyArray<string>): World => {
  const dir = mkdtempSync(join(tmpdir(), "mill-bench-"))
  const runsDir = join(dir, "home/runs")
  const env = { ...process.env, MILL_HOME: join(dir, "home"), NO_COLOR: "1" }
  write(join(dir, "mill.config.ts"), configText(dir))
  write(join(dir, "ticking.ts"), tickingText)
  for (const [name, text] of Object.entries(programs)) write(join(dir, name), text)

  mkdirSync(join(dir, "elsewhere/.git"), { recursive: true })

  const millIn =
    (cwd: string): World["mill"] =>
    (...args) => {
      const start = performance.now()
      const { exitCode, stderr, stdout } = Bun.spawnSync([...command, ...args], { cwd, env })
      const millis = performance.now() - start
      if (exitCode !== 0 && exitCode !== 130)
        throw new Error(`${[...command, ...args].join(" ")} exited with ${exitCode}: ${stderr.toString()}`)
      return { stdout: stdout.toString(), millis }
    }
  const mill = millIn(dir)
  const start: World["start"] = (...args) =>
    Bun.spawn([...command, ...args], { cwd: dir, env, stdin: "ignore", stdout: "pipe", stderr: "inherit" })
  const submit: World["submit"] = (program, driver, ...args) =>
    JSON.parse(mill("run", program, "--json", "--driver", driver, "--", ...args).stdout).runId
  return {
    dir,
    runsDir,
    mill,
    elsewhere: millIn(join(dir, "elsewhere")),
    submit,
    start,
    observe: async (...args) => {
      const began = performance.now()
      const child = start(...args)
      let memoryMiB = Number.NaN
      const look = () => {
        const seen = memoryOf(child.pid, "VmHWM")
        if (!Number.isNaN(seen)) memoryMiB = seen
      }
      const timer = setInterval(look, lookMillis)
      for await (const _ of child.stdout) look()
      const exitCode = await child.exited
      clearInterval(timer)
      if (exitCode !== 0) throw new Error(`${[...command, ...args].join(" ")} exited with ${exitCode}`)
      return { millis: performance.now() - began, memoryMiB }
    },
    run: (program, driver, ...args) => {
      const { stdout } = mill("run", program, "--sync", "--json", "--driver", driver, "--", ...args)
      return JSON.parse(stdout).result.programResult
    },
    events: (runId) => readOr(join(runsDir, runId, "events.ndjson")),
    remove: () => rmSync(dir, { recursive: true, force: true }),
  }
}

/** What a command took. What it has printed is thrown away as it comes. */
export type Observed = { readonly millis: number; readonly memoryMiB: number }

/** How often a command's memory is looked at: the system forgets it when the command ends, or tells its parent's. */
const lookMillis = 3

/** The process that carries a run, by its command line. */
export const workerOf = (runId: string): number => {
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue
    const line = readOr(`/proc/${name}/cmdline`).split("\0")
    if (line.includes("_worker") && line.includes(runId)) return Number(name)
  }
  throw new Error(`no process carries ${runId}`)
}

const readOr = (path: string): string => {
  try {
    return readFileSync(path, "utf8")
  } catch {
    return ""
  }
}

/** A field of a process's status, in MiB: `VmRSS` now, `VmHWM` at most. */
export const memoryOf = (pid: number, field: "VmRSS" | "VmHWM"): number =>
  Number(new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(readOr(`/proc/${pid}/status`))?.[1] ?? Number.NaN) /
  1024

/** Waits until something is so. */
export const until = async (fact: () => boolean): Promise<void> => {
  const deadline = performance.now() + 60_000
  while (!fact()) {
    if (performance.now() > deadline) throw new Error(`waited a minute in vain for ${fact}`)
    await Bun.sleep(2)
  }
}
