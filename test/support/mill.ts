/**
 * The real command line in a world of its own: a folder with a store, programs and a configuration, removed at the end.
 * Everything is seen as a user sees it: files, output, exit codes.
 */
import { afterAll, setDefaultTimeout } from "bun:test"
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import type { MillEvent } from "../../src/domain/event.schema.ts"
import type { RunRecord, RunResult } from "../../src/domain/run.schema.ts"

export const repository = join(import.meta.dir, "../..")

/** How mill is started; another one, such as a bundle, may be named by MILL_TEST_COMMAND (words apart by spaces). */
export const millCommand = process.env["MILL_TEST_COMMAND"]?.split(" ") ?? [
  process.execPath,
  `${repository}/src/bin/mill.ts`,
]

const testTimeout = 120_000

export type Finished = { readonly code: number | null; readonly stdout: string; readonly stderr: string }

export type World = {
  /** The folder, which is the working directory of every command. */
  readonly dir: string
  readonly runsDir: string
  /** Writes a file of the world and gives its absolute path. */
  readonly write: (path: string, contents: string, mode?: number) => string
  /** Runs `mill` to its end. */
  readonly mill: (args: ReadonlyArray<string>, options?: MillOptions) => Promise<Finished>
  /** Starts `mill` and leaves it to the test. */
  readonly start: (
    args: ReadonlyArray<string>,
    options?: MillOptions,
  ) => Bun.Subprocess<"ignore", "pipe", "pipe">
  /** Runs a program to its end with `--sync --json`. */
  readonly run: (program: string, args?: ReadonlyArray<string>, options?: MillOptions) => Promise<Ended>
  readonly events: (runId: string) => ReadonlyArray<MillEvent>
  readonly record: (runId: string) => RunRecord
}

export type MillOptions = {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string | undefined>>
}

/** A run that has ended, and all that it left. */
export type Ended = Finished & {
  readonly record: RunRecord
  readonly result: RunResult
  readonly events: ReadonlyArray<MillEvent>
}

const environment = (dir: string, env: MillOptions["env"] = {}): Record<string, string> => {
  const { MILL_RUN_DEPTH: _depth, MILL_RUN_ID: _run, MILL_SPAWN_ID: _spawn, ...inherited } = process.env
  const merged = { ...inherited, MILL_HOME: join(dir, "home"), NO_COLOR: "1", ...env }
  return Object.fromEntries(
    Object.entries(merged).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  )
}

/**
 * Waits for a fact: until `fact` gives something. What takes longer than the deadline has failed, and is named.
 */
export const eventually = async <A>(
  what: string,
  fact: () => A | undefined | false | Promise<A | undefined | false>,
  deadlineMillis = 60_000,
): Promise<A> => {
  const deadline = Date.now() + deadlineMillis
  while (true) {
    const found = await fact()
    if (found !== undefined && found !== false) return found
    if (Date.now() > deadline) throw new Error(`waited ${deadlineMillis} ms in vain: ${what}`)
    await Bun.sleep(10)
  }
}

/** Whether a process with this pid is alive; a zombie is not. */
export const isAlive = (pid: number): boolean => {
  try {
    return !/^\S+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, "utf8"))
  } catch {
    return false
  }
}

/** Processes that were started with `entry` in their environment. */
export const processesWith = (entry: string): ReadonlyArray<number> =>
  readdirSync("/proc").flatMap((name) => {
    const pid = Number(name)
    if (!Number.isInteger(pid) || !isAlive(pid)) return []
    try {
      return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").includes(entry) ? [pid] : []
    } catch {
      return []
    }
  })

/** Waits until no process that has `text` on its command line is left, such as the worker of a run by the run's id. */
export const untilNoneIsCalled = (text: string) =>
  eventually(`no process is called ${text}`, () =>
    readdirSync("/proc").every((name) => {
      try {
        return !/^\d+$/.test(name) || !readFileSync(`/proc/${name}/cmdline`, "utf8").includes(text)
      } catch {
        return true
      }
    }),
  )

/** Nothing that a world has started may outlive it: what does is ended, and fails the file. */
const endWorld = async (dir: string) => {
  const survivors = () => processesWith(`MILL_HOME=${join(dir, "home")}`)
  await eventually("the processes of the world have ended", () => survivors().length === 0, 20_000).catch(
    (error: unknown) => {
      for (const pid of survivors()) process.kill(pid, "SIGKILL")
      throw error
    },
  )
  rmSync(dir, { recursive: true, force: true })
}

/** Makes a world; it is removed when the test file is through, when all that it started must have ended. */
export const makeWorld = (command: ReadonlyArray<string> = millCommand): World => {
  const dir = mkdtempSync(join(tmpdir(), "mill-test-"))
  // Tests of processes wait for facts; on a machine that is busy these take their time.
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
      env: environment(dir, options.env),
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
  const events: World["events"] = (runId) =>
    readFileSync(join(runsDir, runId, "events.ndjson"), "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map((line): MillEvent => JSON.parse(line))
  const record: World["record"] = (runId) =>
    JSON.parse(readFileSync(join(runsDir, runId, "run.json"), "utf8"))
  const run: World["run"] = async (program, args = [], options) => {
    const finished = await mill(["run", "--sync", "--json", program, ...args], options)
    const { result, run } = JSON.parse(finished.stdout)
    if (run === undefined) throw new Error(`there is no run: ${finished.stdout}${finished.stderr}`)
    return { ...finished, record: run, result, events: events(run.id) }
  }
  return { dir, runsDir, write, mill, start, run, events, record }
}

/** An executable script for Bun in the world: an agent for a driver to start. */
export const writeAgent = (world: World, name: string, source: string): string =>
  world.write(name, `#!${process.execPath}\n${source}\n`, 0o755)

/** An executable shell script in the world. */
export const writeScript = (world: World, name: string, source: string): string =>
  world.write(name, `#!/bin/sh\n${source}\n`, 0o755)

/**
 * The world's configuration, with these drivers: an expression for each, in reach of `@mill/core`. The first one is the
 * default.
 */
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

/** An expression for a driver that speaks mill's line protocol to `command`. */
export const jsonlDriver = (command: string, more = ""): string =>
  `processDriver({ command: ${JSON.stringify(command)}, codec: jsonlCodec(), ${more} })`

/** The events of one type. */
export const ofType = <Type extends MillEvent["type"]>(events: ReadonlyArray<MillEvent>, type: Type) =>
  events.filter((event): event is Extract<MillEvent, { readonly type: Type }> => event.type === type)

/** The ids of the runs in a store, and whatever else lies there. */
export const entriesOf = (directory: string): ReadonlyArray<string> => {
  try {
    return readdirSync(directory).toSorted()
  } catch {
    return []
  }
}

/** A copy of a run under another id: another run, to every command. */
export const copyRun = (world: World, from: string, to: string): string => {
  const target = join(world.runsDir, to)
  // The worker may be about to remove the space that it has kept.
  const filter = (path: string) => !path.endsWith("/reserve")
  cpSync(join(world.runsDir, from), target, { recursive: true, filter })
  for (const name of readdirSync(target)) {
    if (!/\.(?:json|ndjson)$/.test(name)) continue
    const file = join(target, name)
    writeFileSync(file, readFileSync(file, "utf8").replaceAll(from, to))
  }
  return target
}
