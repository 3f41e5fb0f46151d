/** A world with extensions, which record what they see in a file. */
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { waitFor, findProcesses, type World } from "../support/mill.ts"

const prelude = `import { Effect, Schedule } from "effect"
import { defineConfig, defineExtension } from "@mill/core"
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs"
const write = (cwd, text) => appendFileSync(cwd + "/notes", text + "\\n")
const note = ({ cwd }, text) => Effect.sync(() => write(cwd, text))
const untilFile = (path) => Effect.suspend(() => existsSync(path) ? Effect.void : Effect.fail("not yet")).pipe(
  Effect.retry(Schedule.spaced("5 millis")))
const log = ({ runDir }) => readFileSync(runDir + "/events.ndjson", "utf8")
`

/** Writes a folder with a program and a configuration of these extensions, and without node_modules. */
export const writeExtensions = (
  world: World,
  folder: string,
  extensions: string,
  program = "export default 1",
) => {
  const cwd = join(world.dir, folder)
  world.write(
    `${folder}/mill.config.ts`,
    `${prelude}export default defineConfig({ defaultDriver: "offline", extensions: [${extensions}] })\n`,
  )
  world.write(`${folder}/program.ts`, program)
  const readFile = (name: string): string | undefined =>
    existsSync(join(cwd, name)) ? readFileSync(join(cwd, name), "utf8") : undefined
  const readNotes = () => (readFile("notes") ?? "").split("\n").filter((line) => line !== "")
  return {
    cwd,
    readNotes,
    run: (...args: ReadonlyArray<string>) => world.run("program.ts", args, { cwd }),
    mill: (...args: ReadonlyArray<string>) => world.mill(args, { cwd }),
    /** Waits until an extension records this line. */
    waitForNote: (line: string) => waitFor(`the note ${line}`, () => readNotes().includes(line)),
  }
}

/** Formats code with which a program waits for errors of extensions in its log. After its end none are logged. */
export const formatWaitForErrors = (count: number): string => `
const eventsFile = process.env.MILL_RUNS_DIR + "/" + mill.run.id + "/events.ndjson"
while ((await Bun.file(eventsFile).text()).split('"extension:error"').length <= ${count}) await Bun.sleep(5)
`

/** Waits until all workers of the world have exited. */
export const waitForWorkers = (world: World) =>
  waitFor(
    "the workers to exit",
    () => findProcesses(`MILL_HOME=${join(world.dir, "home")}`).length === 0,
    120_000,
  )

export const readWorkerLog = (world: World, runId: string): string =>
  readFileSync(join(world.runsDir, runId, "logs/worker.log"), "utf8")
