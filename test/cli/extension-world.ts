/** Extensions in a world: what they note in a file is what the tests look at. */
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { eventually, processesWith, type World } from "../support/mill.ts"

const prelude = `import { Effect, Schedule } from "effect"
import { defineConfig, defineExtension } from "@mill/core"
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs"
const write = (cwd, text) => appendFileSync(cwd + "/notes", text + "\\n")
const note = ({ cwd }, text) => Effect.sync(() => write(cwd, text))
const untilFile = (path) => Effect.suspend(() => existsSync(path) ? Effect.void : Effect.fail("not yet")).pipe(
  Effect.retry(Schedule.spaced("5 millis")))
const log = ({ runDir }) => readFileSync(runDir + "/events.ndjson", "utf8")
`

/** A folder without node_modules, with a configuration of these extensions, and a program. */
export const withExtensions = (
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
  const file = (name: string): string | undefined =>
    existsSync(join(cwd, name)) ? readFileSync(join(cwd, name), "utf8") : undefined
  const notes = () => (file("notes") ?? "").split("\n").filter((line) => line !== "")
  return {
    cwd,
    notes,
    run: (...args: ReadonlyArray<string>) => world.run("program.ts", args, { cwd }),
    mill: (...args: ReadonlyArray<string>) => world.mill(args, { cwd }),
    /** Waits until the extensions have noted this. */
    noted: (line: string) => eventually(`noted: ${line}`, () => notes().includes(line)),
  }
}

/** Has a program wait until so many errors of extensions are in its run's log: after its end there are none. */
export const untilErrors = (count: number): string => `
const eventsFile = process.env.MILL_RUNS_DIR + "/" + mill.run.id + "/events.ndjson"
while ((await Bun.file(eventsFile).text()).split('"extension:error"').length <= ${count}) await Bun.sleep(5)
`

/** Waits until no worker of the world is at work. */
export const workersGone = (world: World) =>
  eventually(
    "the workers have ended",
    () => processesWith(`MILL_HOME=${join(world.dir, "home")}`).length === 0,
    30_000,
  )

export const workerLog = (world: World, runId: string): string =>
  readFileSync(join(world.runsDir, runId, "logs/worker.log"), "utf8")
