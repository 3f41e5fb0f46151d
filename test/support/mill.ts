/**
 * Runs the real command line in a world: a temporary folder with its own store, programs and configuration. Tests look at
 * what a user can see: files, output and exit codes.
 */
import { afterAll, setDefaultTimeout } from "bun:test"
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import type { MillEvent } from "../../src/domain/event.schema.ts"
import type { RunRecord, RunResult } from "../../src/domain/run.schema.ts"

export const repository = join(import.meta.dir, "../..")

/** Reads a command: words with spaces between them, or a JSON array. */
const readCommand = (text: string): ReadonlyArray<string> =>
  text.startsWith("[") ? JSON.parse(text) : text.split(" ")

const givenCommand = process.env["MILL_TEST_COMMAND"]

/** The command that starts mill: mill's source, unless MILL_TEST_COMMAND names another one. */
export const millCommand =
  givenCommand === undefined ? [process.execPath, `${repository}/src/bin/mill.ts`] : readCommand(givenCommand)

/** Whether that is mill's source, and not the package or the executable. */
export const isSource = millCommand.at(-1)?.endsWith(".ts") === true

const testTimeout = 120_000

export type CommandResult = { readonly code: number | null; readonly stdout: string; readonly stderr: string }

export type World = {
  /** The working directory of every command. */
  readonly dir: string
  readonly runsDir: string
  /** Writes a file of the world and returns its absolute path. */
  readonly write: (path: string, contents: string, mode?: number) => string
  /** Runs `mill` and waits for it to exit. */
  readonly mill: (args: ReadonlyArray<string>, options?: MillOptions) => Promise<CommandResult>
  /** Starts `mill` and returns the process. */
  readonly start: (
    args: ReadonlyArray<string>,
    options?: MillOptions,
  ) => Bun.Subprocess<"ignore", "pipe", "pipe">
  /** Runs a program with `--sync --json`. */
  readonly run: (program: string, args?: ReadonlyArray<string>, options?: MillOptions) => Promise<FinishedRun>
  readonly readEvents: (runId: string) => ReadonlyArray<MillEvent>
  readonly readRecord: (runId: string) => RunRecord
}

export type MillOptions = {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string | undefined>>
}

/** What a finished run left behind. */
export type FinishedRun = CommandResult & {
  readonly record: RunRecord
  readonly result: RunResult
  readonly events: ReadonlyArray<MillEvent>
}

const makeEnvironment = (dir: string, env: MillOptions["env"] = {}): Record<string, string> => {
  const { MILL_RUN_DEPTH: _depth, MILL_RUN_ID: _run, MILL_SPAWN_ID: _spawn, ...inherited } = process.env
  const merged = { ...inherited, MILL_HOME: join(dir, "home"), NO_COLOR: "1", ...env }
  return Object.fromEntries(
    Object.entries(merged).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  )
}

/** Polls until `check` returns a value. Throws after the deadline, with `what` in the message. */
export const waitFor = async <A>(
  what: string,
  check: () => A | undefined | false | Promise<A | undefined | false>,
  deadlineMillis = 60_000,
): Promise<A> => {
  const deadline = Date.now() + deadlineMillis
  while (true) {
    const found = await check()
    if (found !== undefined && found !== false) return found
    if (Date.now() > deadline) throw new Error(`gave up after ${deadlineMillis} ms waiting for: ${what}`)
    await Bun.sleep(10)
  }
}

/** Whether a process with this pid is alive. A zombie is not. */
export const isAlive = (pid: number): boolean => {
  try {
    return !/^\S+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, "utf8"))
  } catch {
    return false
  }
}

/** Finds the processes that were started with `entry` in their environment. */
export const findProcesses = (entry: string): ReadonlyArray<number> =>
  readdirSync("/proc").flatMap((name) => {
    const pid = Number(name)
    if (!Number.isInteger(pid) || !isAlive(pid)) return []
    try {
      return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").includes(entry) ? [pid] : []
    } catch {
      return []
    }
  })

/** Waits until no command line contains `text`, for example the run id in that of a worker. */
export const waitForNoProcess = (text: string) =>
  waitFor(`no command line to contain ${text}`, () =>
    readdirSync("/proc").every((name) => {
      try {
        return !/^\d+$/.test(name) || !readFileSync(`/proc/${name}/cmdline`, "utf8").includes(text)
      } catch {
        return true
      }
    }),
  )

/** Removes a world. A process that outlives it is killed and fails the test file. */
const endWorld = async (dir: string) => {
  const findSurvivors = () => findProcesses(`MILL_HOME=${join(dir, "home")}`)
  await waitFor("the processes of the world to exit", () => findSurvivors().length === 0).catch(
    (error: unknown) => {
      for (const pid of findSurvivors()) process.kill(pid, "SIGKILL")
      throw error
    },
  )
  rmSync(dir, { recursive: true, force: true })
}

/** Makes a world. It is removed after the last test of the file, by when all its processes must have exited. */
export const makeWorld = (command: ReadonlyArray<string> = millCommand): World => {
  const dir = mkdtempSync(join(tmpdir(), "mill-test-"))
  // Processes take their time on a busy machine.
  setDefaultTimeout(testTimeout)
  afterAll(() => endWorld(dir), testTimeout)
  const runsDir = join(dir, "home/runs")

  const write: World["write"] = (path, contents, mode = 0o644) => {
    const file = join(dir, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, contents, { mode })
    return file
  }
  const start: World["start"] = (args, options = {}) =>
    Bun.spawn([...command, ...args], {
      cwd: options.cwd ?? dir,
      env: makeEnvironment(dir, options.env),
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    })
  const mill: World["mill"] = async (args, options) => {
    const child = start(args, options)
    const [stdout, stderr, code] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ])
    return { code, stdout, stderr }
  }
  const readEvents: World["readEvents"] = (runId) =>
    readFileSync(join(runsDir, runId, "events.ndjson"), "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map((line): MillEvent => JSON.parse(line))
  const readRecord: World["readRecord"] = (runId) =>
    JSON.parse(readFileSync(join(runsDir, runId, "run.json"), "utf8"))
  const run: World["run"] = async (program, args = [], options) => {
    const finished = await mill(["run", "--sync", "--json", program, ...args], options)
    const { result, run } = JSON.parse(finished.stdout)
    if (run === undefined) throw new Error(`no run: ${finished.stdout}${finished.stderr}`)
    return { ...finished, record: run, result, events: readEvents(run.id) }
  }
  return { dir, runsDir, write, mill, start, run, readEvents, readRecord }
}

/** Writes an executable Bun script: an agent for a driver to start. */
export const writeAgent = (world: World, name: string, source: string): string =>
  world.write(name, `#!${process.execPath}\n${source}\n`, 0o755)

/** Writes an executable shell script. */
export const writeScript = (world: World, name: string, source: string): string =>
  world.write(name, `#!/bin/sh\n${source}\n`, 0o755)

/** Writes a configuration with these drivers, each an expression on `@mill/core`. The first driver is the default. */
export const writeConfig = (
  world: World,
  drivers: Readonly<Record<string, string>>,
  path = "mill.config.ts",
  more = "",
): string =>
  world.write(
    path,
    `import { defineConfig, jsonlCodec, processDriver, textCodec, vmExecutor } from "@mill/core"
export default defineConfig({
  ${more}
  defaultDriver: ${JSON.stringify(Object.keys(drivers)[0])},
  drivers: {${Object.entries(drivers).map(([name, driver]) => `${JSON.stringify(name)}: ${driver}`)}},
})\n`,
  )

/** Formats the expression for a driver that speaks mill's line protocol with `command`. */
export const formatJsonlDriver = (command: string, more = ""): string =>
  `processDriver({ command: ${JSON.stringify(command)}, codec: jsonlCodec(), ${more} })`

/** Selects the events of one type. */
export const filterEvents = <Type extends MillEvent["type"]>(events: ReadonlyArray<MillEvent>, type: Type) =>
  events.filter((event): event is Extract<MillEvent, { readonly type: Type }> => event.type === type)

/** Lists a directory, sorted; a missing directory is empty. */
export const listEntries = (directory: string): ReadonlyArray<string> => {
  try {
    return readdirSync(directory).toSorted()
  } catch {
    return []
  }
}

/** Copies a run under another id. Commands see two runs. */
export const copyRun = (world: World, from: string, to: string): string => {
  const target = join(world.runsDir, to)
  // The worker may remove its reserved space at any moment.
  const filter = (path: string) => !path.endsWith("/reserve")
  cpSync(join(world.runsDir, from), target, { recursive: true, filter })
  for (const name of readdirSync(target)) {
    if (!/\.(?:json|ndjson)$/.test(name)) continue
    const file = join(target, name)
    writeFileSync(file, readFileSync(file, "utf8").replaceAll(from, to))
  }
  return target
}
