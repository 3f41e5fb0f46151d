/**
 * A run to harm. Its program starts agents in sequence and in parallel. The agents use tools, sleep, and leave processes
 * behind in their own group, in another session, and without a parent.
 */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { waitFor, isAlive, findProcesses, type World, writeScript } from "../support/mill.ts"

const agent = `read -r input
tool() { echo '{"type":"tool_call","toolName":"'"$1"'","input":{"n":1}}'; }
tool first
case "$input" in
  *family*)
    sleep 300 >/dev/null 2>&1 &
    setsid sleep 300 >/dev/null 2>&1 &
    (setsid sh -c 'sleep 300 & exit 0' >/dev/null 2>&1 &)
    ;;
  *holds*) sleep 1 & ;;
esac
for n in 1 2 3 4 5; do tool "t$n"; sleep 0.02; done
echo '{"type":"result","text":"done"}'`

const program = `const spawn = (prompt: string) =>
  mill.spawn({ agent: "a", systemPrompt: "s", prompt, model: "m" }).then(
    ({ text }) => text,
    (error: unknown) => String(error),
  )
mill.log("begins")
const [first = "first", bytes = "0"] = mill.args
await spawn(first)
const middle = await Promise.all(["alone", "family", "family too", "alone too"].map(spawn))
export default [...middle, await spawn("last"), "x".repeat(Number(bytes))]
`

/** A place to start and harm runs. */
export type Stage = {
  readonly world: World
  /** The times of the commands that ran on a quiet machine, in milliseconds, and the number of the others. */
  readonly times: Array<number>
  unjudged: number
  /** The environment of every command. Sockets are in the world. */
  readonly env: Readonly<Record<string, string>>
  readonly socketDir: string
}

/** Puts the program and its agent into a world. */
export const makeStage = (world: World): Stage => {
  const command = writeScript(world, "agent", agent)
  world.write(
    "mill.config.ts",
    `import { defineConfig, jsonlCodec, processDriver } from "@mill/core"
export default defineConfig({
  defaultDriver: "scripted",
  cancelGrace: 0.5,
  drivers: { scripted: processDriver({ command: ${JSON.stringify(command)}, codec: jsonlCodec() }) },
})\n`,
  )
  world.write("program.ts", program)
  const socketDir = join(world.dir, "rt/mill")
  return { world, times: [], unjudged: 0, env: { XDG_RUNTIME_DIR: join(world.dir, "rt") }, socketDir }
}

/** A run in progress. */
export type LiveRun = { readonly runId: string; readonly runDir: string; readonly stage: Stage }

/**
 * Starts a run of the program, with more flags such as --runs-dir. The program's arguments are the prompt of its first agent
 * ("holds": it leaves a process that holds its output for a second), and the size of its result.
 */
export const startRun = async (
  stage: Stage,
  flags: ReadonlyArray<string> = [],
  args: ReadonlyArray<string> = [],
): Promise<LiveRun> => {
  const started = await stage.world.mill(["run", "program.ts", "--json", ...flags, "--", ...args], {
    env: stage.env,
  })
  const { paths, runId } = JSON.parse(started.stdout)
  if (runId === undefined) throw new Error(`the run was not started: ${started.stdout}`)
  return { runId, runDir: paths.runDir, stage }
}

const read = (path: string): string => {
  try {
    return readFileSync(path, "utf8")
  } catch {
    return ""
  }
}

/** Reads the log. */
export const logText = (run: LiveRun): string => read(join(run.runDir, "events.ndjson"))

/** Counts the whole lines in the log. */
export const logLines = (run: LiveRun): number => logText(run).split("\n").length - 1

/** Whether the snapshot of the run has a terminal status. */
export const hasSnapshot = (run: LiveRun): boolean => {
  const { status } = JSON.parse(read(join(run.runDir, "run.json")) || "{}")
  return status === "complete" || status === "failed" || status === "cancelled"
}

/** The files of the run's owners, in order. The first owner is its worker. */
const owners = (run: LiveRun): ReadonlyArray<string> => {
  try {
    return readdirSync(run.runDir)
      .filter((name) => /^owner\.\d+$/.test(name))
      .toSorted((one, other) => Number(one.slice(6)) - Number(other.slice(6)))
  } catch {
    return []
  }
}

const pidIn = (run: LiveRun, file: string): ReadonlyArray<number> => {
  const { pid } = JSON.parse(read(join(run.runDir, file)) || "{}")
  return typeof pid === "number" && isAlive(pid) ? [pid] : []
}

/** The current owner of the run, or the next one. */
export const owner = (run: LiveRun): ReadonlyArray<number> => pidIn(run, owners(run).at(-1) ?? "launch.json")

/** All processes with the run's mark. */
export const marked = (run: LiveRun): ReadonlyArray<number> => findProcesses(`MILL_RUN_ID=${run.runId}`)

/** The processes of the run's agents. */
export const agents = (run: LiveRun): ReadonlyArray<number> =>
  marked(run).filter((pid) => read(`/proc/${pid}/environ`).includes("\0MILL_SPAWN_ID="))

/** The recorded pid of the first agent, which may be gone. */
export const firstAgent = (run: LiveRun): number | undefined =>
  JSON.parse(read(join(run.runDir, "spawns/spawn_1.json")) || "{}").process?.pid

/** The process of the program. */
export const host = (run: LiveRun): ReadonlyArray<number> => {
  const ofAgents = new Set(agents(run))
  return marked(run).filter((pid) => !ofAgents.has(pid))
}

/** Workers, and commands that settle the run. */
export const keepers = (run: LiveRun): ReadonlyArray<number> =>
  readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name) || !isAlive(Number(name))) return []
    const words = read(`/proc/${name}/cmdline`).split("\0")
    return words.includes(run.runId) && words.some((word) => word === "_worker" || word === "_settle")
      ? [Number(name)]
      : []
  })

export const kill = (pids: ReadonlyArray<number>, signal: NodeJS.Signals = "SIGKILL"): void => {
  for (const pid of pids) {
    try {
      process.kill(pid, signal)
    } catch {
      // It has already exited.
    }
  }
}

/**
 * Waits for a moment that lasts less than a millisecond: polls without a pause, in short bursts. Resolves
 * to whether the moment came before the run ended.
 */
export const moment = async (run: LiveRun, there: () => boolean): Promise<boolean> => {
  let found = false
  await waitFor(`a moment of ${run.runId}`, () => {
    const until = performance.now() + 8
    do {
      found = there()
      if (found) return true
    } while (performance.now() < until)
    return hasSnapshot(run)
  })
  return found
}

/** Whether the process is stopped, or gone. */
export const isStopped = (pid: number): boolean =>
  !isAlive(pid) || /^\S+ \(.*\) [Tt]/s.test(read(`/proc/${pid}/stat`))
