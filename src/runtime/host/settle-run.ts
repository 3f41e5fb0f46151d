/** Has a run brought to its end by a mill of its own, when its worker is gone and nobody else may ever look. */
import { spawn } from "node:child_process"
import { basename, dirname } from "node:path"

/** Starts `mill _settle` for the run whose plan is at `planFile`, outside of the run and of this process. */
export const settleRun = (mill: ReadonlyArray<string>, planFile: string): void => {
  const [command, ...args] = mill
  if (command === undefined) return
  const runDir = dirname(planFile)
  // Without the run's mark, by which it will look for what is left of the run.
  const { MILL_RUN_DEPTH: _depth, MILL_RUN_ID: _run, ...env } = process.env
  spawn(command, [...args, "_settle", "--run-id", basename(runDir), "--runs-dir", dirname(runDir)], {
    detached: true,
    stdio: "ignore",
    env,
  }).unref()
}
