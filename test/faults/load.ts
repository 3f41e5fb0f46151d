/** Measures whether the machine is quiet: only then is the time of a command judged. */
import { availableParallelism, loadavg } from "node:os"
import { join } from "node:path"

/** The most milliseconds that a process without work takes on a quiet machine. */
const quietMillis = 40

const empty = join(import.meta.dir, "../../scripts/bench/empty.js")

const startEmptyProcess = async (): Promise<number> => {
  const start = performance.now()
  await Bun.spawn([process.execPath, empty], { stdio: ["ignore", "ignore", "ignore"] }).exited
  return performance.now() - start
}

/** Whether the machine is quiet now: it has processors to spare, and starts a process quickly. */
export const isQuiet = async (): Promise<boolean> =>
  (loadavg()[0] ?? 0) <= availableParallelism() && (await startEmptyProcess()) <= quietMillis
