/** Settles a run whose worker is gone, in a new mill process: otherwise the run would stay open until a command looks at it. */
import { spawn } from "node:child_process"
import { basename, dirname } from "node:path"
import { runMarks } from "../../domain/run-marks.ts"

/** Starts `mill _settle` for the run whose plan is at `planFile`, detached from this process. */
export const startSettling = (mill: ReadonlyArray<string>, planFile: string): void => {
  const [command, ...args] = mill
  if (command === undefined) return
  const runDir = dirname(planFile)
  // Settling kills all processes with the run's mark, so it must not carry the mark itself.
  const { [runMarks.depth]: _depth, [runMarks.runId]: _run, ...env } = process.env
  spawn(command, [...args, "_settle", "--run-id", basename(runDir), "--runs-dir", dirname(runDir)], {
    detached: true,
    stdio: "ignore",
    env,
  }).unref()
}
