/** Settles a run whose worker is gone, in a new mill process: otherwise the run would stay open until a command looks at it. */
import { spawn } from "node:child_process"
import { basename, dirname } from "node:path"

/** Starts `mill _settle` for the run whose plan is at `planFile`, detached from this process. */
export const settleRun = (mill: ReadonlyArray<string>, planFile: string): void => {
  const [command, ...args] = mill
  if (command === undefined) return
  const runDir = dirname(planFile)
  // Settling kills all processes with the run's mark, so it must not carry the mark itself.
  const { MILL_RUN_DEPTH: _depth, MILL_RUN_ID: _run, ...env } = process.env
  spawn(command, [...args, "_settle", "--run-id", basename(runDir), "--runs-dir", dirname(runDir)], {
    detached: true,
    stdio: "ignore",
    env,
  }).unref()
}
