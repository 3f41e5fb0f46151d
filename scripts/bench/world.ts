/** A temporary store with programs, and with system commands as agents, for one mill. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"

/** An answer in mill's own protocol. */
export const answer = '{"type":"result","text":"ok"}'

/** The commands of the agents, by the names of their drivers. They speak the jsonl protocol. */
const agentCommands = (
  dir: string,
): Readonly<Record<string, readonly [command: string, ...args: Array<string>]>> => ({
  instant: ["/bin/echo", answer],
  half: ["/bin/sh", "-c", `sleep 0.5; echo '${answer}'`],
  hanging: ["/bin/sleep", "1000"],
  talking: ["/bin/cat", join(dir, "lines.ndjson")],
  ticking: [process.execPath, join(dir, "ticking.ts")],
})

const writeConfig = (dir: string) => `import { defineConfig, jsonlCodec, processDriver } from "@mill/core"
export default defineConfig({
  drivers: {
${Object.entries(agentCommands(dir))
  .map(
    ([name, [command, ...args]]) =>
      `    ${name}: processDriver({ command: ${JSON.stringify(command)}, args: ${JSON.stringify(args)}, codec: jsonlCodec() }),`,
  )
  .join("\n")}
  },
})
`

/** Prints a milestone with the current time every 10 ms. */
const tickingText = `for (let tick = 0; tick < Number(process.env["TICKS"] ?? 200); tick++) {
  console.log(JSON.stringify({ type: "milestone", message: String(performance.timeOrigin + performance.now()) }))
  await Bun.sleep(10)
}
console.log(${JSON.stringify(answer)})
`

const spawn = `const spawn = () => mill.spawn({ agent: "a", systemPrompt: "s", prompt: "p", model: "m" })\n`

/** The programs. Each returns the milliseconds that its spawns took. */
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
  // Also returns the peak memory in MiB of its worker, which is its parent.
  "pool.ts": `import { readFileSync } from "node:fs"
${spawn}let left = Number(mill.args[0])
const take = async () => { while (left-- > 0) await spawn() }
const start = performance.now()
await Promise.all(Array.from({ length: Number(mill.args[1]) }, take))
const millis = performance.now() - start
const status = readFileSync("/proc/" + process.ppid + "/status", "utf8")
export default { millis, memoryMiB: Number(/VmHWM:\\s+(\\d+)/.exec(status)[1]) / 1024 }
`,
  // Stays until a file appears, so that its worker can be measured.
  "stay.ts": `${spawn}const start = performance.now()
await spawn()
const took = performance.now() - start
await Bun.write(mill.args[0] + ".there", "")
while (!(await Bun.file(mill.args[0]).exists())) await Bun.sleep(20)
export default took\n`,
}

/** The result of pool.ts. */
export type Pooled = { readonly millis: number; readonly memoryMiB: number }

export type World = {
  readonly dir: string
  readonly runsDir: string
  /** Runs mill to its end. */
  readonly mill: (...args: ReadonlyArray<string>) => Ran
  /** Runs mill in a folder without a configuration. */
  readonly elsewhere: World["mill"]
  /** Runs mill to its end and measures its peak memory. */
  readonly observe: (...args: ReadonlyArray<string>) => Promise<Observed>
  /** Starts mill. */
  readonly start: (...args: ReadonlyArray<string>) => Bun.Subprocess<"ignore", "pipe", "inherit">
  /** Runs a program to its end and returns its result. */
  readonly run: <A = number>(program: string, driver: string, ...args: ReadonlyArray<string>) => A
  /** Starts a run and returns its id. */
  readonly submit: (program: string, driver: string, ...args: ReadonlyArray<string>) => string
  readonly events: (runId: string) => string
  readonly remove: () => void
}

/** The output of a command, and its time from start to exit. */
export type Ran = { readonly stdout: string; readonly millis: number }

const write = (path: string, text: string) => {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}

export const makeWorld = (command: ReadonlyArray<string>): World => {
  const dir = mkdtempSync(join(tmpdir(), "mill-bench-"))
  const runsDir = join(dir, "home/runs")
  const env = { ...process.env, MILL_HOME: join(dir, "home"), NO_COLOR: "1" }
  write(join(dir, "mill.config.ts"), writeConfig(dir))
  write(join(dir, "ticking.ts"), tickingText)
  for (const [name, text] of Object.entries(programs)) write(join(dir, name), text)

  mkdirSync(join(dir, "elsewhere/.git"), { recursive: true })

  const makeMill =
    (cwd: string): World["mill"] =>
    (...args) => {
      const start = performance.now()
      const { exitCode, stderr, stdout } = Bun.spawnSync([...command, ...args], { cwd, env })
      const millis = performance.now() - start
      if (exitCode !== 0 && exitCode !== 130)
        throw new Error(
          `${[...command, ...args].join(" ")} exited with code ${exitCode}: ${stderr.toString()}`,
        )
      return { stdout: stdout.toString(), millis }
    }
  const mill = makeMill(dir)
  const start: World["start"] = (...args) =>
    Bun.spawn([...command, ...args], { cwd: dir, env, stdin: "ignore", stdout: "pipe", stderr: "inherit" })
  const submit: World["submit"] = (program, driver, ...args) =>
    JSON.parse(mill("run", program, "--json", "--driver", driver, "--", ...args).stdout).runId
  return {
    dir,
    runsDir,
    mill,
    elsewhere: makeMill(join(dir, "elsewhere")),
    submit,
    start,
    observe: async (...args) => {
      const began = performance.now()
      const child = start(...args)
      let memoryMiB = Number.NaN
      const sample = () => {
        const peak = readMemory(child.pid, "VmHWM")
        if (!Number.isNaN(peak)) memoryMiB = peak
      }
      const timer = setInterval(sample, sampleMillis)
      for await (const _ of child.stdout) sample()
      const exitCode = await child.exited
      clearInterval(timer)
      if (exitCode !== 0) throw new Error(`${[...command, ...args].join(" ")} exited with code ${exitCode}`)
      return { millis: performance.now() - began, memoryMiB }
    },
    run: (program, driver, ...args) => {
      const { stdout } = mill("run", program, "--sync", "--json", "--driver", driver, "--", ...args)
      return JSON.parse(stdout).result.programResult
    },
    events: (runId) => readOrEmpty(join(runsDir, runId, "events.ndjson")),
    remove: () => rmSync(dir, { recursive: true, force: true }),
  }
}

/** The cost of a command, whose output is discarded. */
export type Observed = { readonly millis: number; readonly memoryMiB: number }

/** How often to sample a command's memory, which cannot be read after its exit. */
const sampleMillis = 3

/** Finds the worker of a run by its command line. */
export const findWorker = (runId: string): number => {
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue
    const line = readOrEmpty(`/proc/${name}/cmdline`).split("\0")
    if (line.includes("_worker") && line.includes(runId)) return Number(name)
  }
  throw new Error(`no worker found for ${runId}`)
}

const readOrEmpty = (path: string): string => {
  try {
    return readFileSync(path, "utf8")
  } catch {
    return ""
  }
}

/** Reads the memory of a process in MiB: `VmRSS` is current, `VmHWM` is the peak. */
export const readMemory = (pid: number, field: "VmRSS" | "VmHWM"): number =>
  Number(
    new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(readOrEmpty(`/proc/${pid}/status`))?.[1] ?? Number.NaN,
  ) / 1024

/** Polls until the condition holds. */
export const waitUntil = async (condition: () => boolean): Promise<void> => {
  const deadline = performance.now() + 60_000
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`condition did not hold within a minute: ${condition}`)
    await Bun.sleep(2)
  }
}
