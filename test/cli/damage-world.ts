/** Makes copies of a finished run with damaged files, and runs every command on them. */
import {
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs"
import { dirname, join } from "node:path"
import { copyRun, type FinishedRun, repository, type World } from "../support/mill.ts"

/** Puts something else in the place of a file. */
export const replacements: Readonly<Record<string, (path: string) => void>> = {
  "a named pipe": (path) => void Bun.spawnSync(["mkfifo", path]),
  "a socket": (path) => {
    const place = join(dirname(path), "s")
    const server = Bun.listen({ unix: place, socket: { data: () => {} } })
    // A server removes the file that it made, so it is moved before the server stops.
    renameSync(place, path)
    server.stop()
  },
  "a directory": (path) => void mkdirSync(path),
  "a dangling link": (path) => symlinkSync("/nonexistent/file", path),
  "a link to itself": (path) => symlinkSync(path, path),
  "a link to /dev/full": (path) => symlinkSync("/dev/full", path),
  "a link to /dev/zero": (path) => symlinkSync("/dev/zero", path),
  "a file with a hole of 10 GB": (path) => {
    writeFileSync(path, "{")
    truncateSync(path, 10_000_000_000)
  },
  "an empty file": (path) => writeFileSync(path, ""),
  "a file without permissions": (path) => writeFileSync(path, "secret", { mode: 0 }),
}

/** Makes copies of a run under new ids, which sort after it. */
export const makeCopier = (world: World, original: FinishedRun) => {
  let count = 0
  return (damage: (file: (name: string) => string) => void) => {
    count += 1
    // The first ten characters after `run_` are the time.
    const runId = `${original.record.id.slice(0, 14)}${String(count).padStart(16, "0")}`
    const folder = copyRun(world, original.record.id, runId)
    damage((name) => join(folder, name))
    return runId
  }
}

export const replace = (path: string, kind: string) => {
  rmSync(path, { recursive: true, force: true })
  replacements[kind]?.(path)
}

/** What one operation of the library returned. */
export type Answer = {
  readonly runId: string
  readonly operation: string
  readonly value?: unknown
  readonly error?: { readonly _tag?: string; readonly message: string }
  /** The operation has not returned by its deadline. */
  readonly late?: boolean
}

/** Asks the library everything about these runs, in one process of its own. Returns the answers, and the process's peak memory in MiB. */
export const askAll = async (world: World, runIds: ReadonlyArray<string>) => {
  const script = world.write("ask-all.ts", askAllSource)
  const child = Bun.spawn([process.execPath, script, world.runsDir, ...runIds], {
    cwd: world.dir,
    env: { ...process.env, MILL_HOME: join(world.dir, "home") },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
    // A call that blocks the process would otherwise block the test.
    timeout: 240_000,
    killSignal: "SIGKILL",
  })
  const text = await new Response(child.stdout).text()
  const answers: ReadonlyArray<Answer> = JSON.parse(text).answers
  return { answers, peakMiB: Number(JSON.parse(text).peakMiB) }
}

const askAllSource = `import { readFileSync } from "node:fs"
import { createMill } from ${JSON.stringify(join(repository, "src/public/mill.api.ts"))}
const [runsDir, ...runIds] = process.argv.slice(2)
const mill = createMill({ runsDir })
const deadline = 30_000
const operations = {
  status: (run) => mill.status(run),
  inspect: (run) => mill.inspect(run),
  inspectSpawn: (run) => mill.inspect({ run, spawn: "spawn_1" }),
  wait: (run) => mill.wait(run, { timeout: 20_000 }),
  watch: (run) => Array.fromAsync(mill.watch(run)),
  watchIo: (run) => Array.fromAsync(mill.watchIo(run)),
  cancel: (run) => mill.cancel(run),
}
const ask = (operation, runId) => Promise.race([
  operations[operation](runId).then(
    (value) => ({ runId, operation, value }),
    ({ _tag, message }) => ({ runId, operation, error: { _tag, message } }),
  ),
  Bun.sleep(deadline).then(() => ({ runId, operation, late: true })),
])
const answers = []
const waiting = [...runIds]
const askRun = async () => {
  for (let runId = waiting.pop(); runId !== undefined; runId = waiting.pop())
    for (const operation of Object.keys(operations)) answers.push(await ask(operation, runId))
}
await Promise.all(Array.from({ length: 8 }, askRun))
answers.push(await Promise.race([
  mill.list({ limit: 1000 }).then((value) => ({ runId: "", operation: "list", value }), (error) => ({ runId: "", operation: "list", error: { message: String(error) } })),
  Bun.sleep(deadline).then(() => ({ runId: "", operation: "list", late: true })),
]))
const peakMiB = Number(/VmHWM:\\s+(\\d+)/.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? 0) / 1024
await Bun.write(Bun.stdout, JSON.stringify({ answers, peakMiB }))
process.exit(0)
`

export const readText = (path: string) => readFileSync(path, "utf8")

/** Cuts the last event off a log: its run then has no end. */
export const cutEnd = (log: string) => {
  const lines = readText(log).trimEnd().split("\n")
  writeFileSync(
    log,
    lines
      .slice(0, -1)
      .map((line) => `${line}\n`)
      .join(""),
  )
}
