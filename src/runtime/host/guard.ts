/**
 * Sees to a run whose host is locked in a sandbox: the host cannot have the run brought to its end when the worker is
 * gone, and ends with the worker. The guard is the same script, run outside, and does that in its place.
 */
import { settleRun } from "./settle-run.ts"

/** The first argument by which the host's script is the guard. */
export const guardWord = "--guard"

/** Waits until the worker that listens at `socketPath` is gone. It never gives. */
export const keepGuard = async (socketPath: string, planFile: string, mill: ReadonlyArray<string>) => {
  const gone = () => {
    settleRun(mill, planFile)
    process.exit(0)
  }
  await Bun.connect({ unix: socketPath, socket: { data: () => undefined, close: gone } }).catch(gone)
  return new Promise<never>(() => undefined)
}
