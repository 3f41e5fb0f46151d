/** The costs of the machine without mill, measured in the same run as mill. */
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { answer } from "./world.ts"

const measure = (work: () => unknown): number => {
  const start = performance.now()
  work()
  return performance.now() - start
}

/** Milliseconds of a Bun process that does nothing. */
export const startEmptyProcess = (): number =>
  measure(() => Bun.spawnSync([process.execPath, `${import.meta.dirname}/empty.js`], { stdout: "ignore" }))

/** Milliseconds to start a command that does nothing, and to see it exit. */
export const spawnTrue = (): number =>
  measure(() => Bun.spawnSync(["/bin/true"], { stdin: "ignore", stdout: "ignore", stderr: "ignore" }))

const withFile = <A>(work: (file: number) => A): A => {
  const dir = mkdtempSync(join(tmpdir(), "mill-floor-"))
  const file = openSync(join(dir, "log"), "a")
  try {
    return work(file)
  } finally {
    closeSync(file)
    rmSync(dir, { recursive: true })
  }
}

const line = `${"x".repeat(399)}\n`

/** Milliseconds of one append of 400 bytes, averaged over `count`. */
export const append = (sync: boolean, count = sync ? 50 : 2000): number =>
  withFile((file) =>
    measure(() => {
      for (let n = 0; n < count; n++) {
        writeSync(file, line)
        if (sync) fdatasyncSync(file)
      }
    }),
  ) / count

const runAgent = async () => {
  const child = Bun.spawn(["/bin/echo", answer], { stdin: "ignore", stdout: "pipe", stderr: "ignore" })
  await Promise.all([child.exited, new Response(child.stdout).text()])
}

/** Milliseconds of one instant agent with two durable appends, without mill: the average of `count` in sequence. */
export const spawnInSequence = async (count: number): Promise<number> => {
  const dir = mkdtempSync(join(tmpdir(), "mill-floor-"))
  const file = openSync(join(dir, "log"), "a")
  const durable = () => {
    writeSync(file, line)
    fdatasyncSync(file)
  }
  const start = performance.now()
  for (let n = 0; n < count; n++) {
    durable()
    await runAgent()
    durable()
  }
  const millis = performance.now() - start
  closeSync(file)
  rmSync(dir, { recursive: true })
  return millis / count
}

/** Milliseconds of `count` agents that each take half a second, without mill, all at once. */
export const spawnHalfSeconds = async (count: number): Promise<number> => {
  const start = performance.now()
  await Promise.all(
    Array.from({ length: count }, () => Bun.spawn(["/bin/sleep", "0.5"], { stdin: "ignore" }).exited),
  )
  return performance.now() - start
}

/** MiB of memory of a Bun process that does nothing. */
export const measureEmptyMemory = (): number => {
  const script = `process.stdout.write(require("node:fs").readFileSync("/proc/self/status"))`
  const { stdout } = Bun.spawnSync([process.execPath, "-e", script])
  return Number(/^VmRSS:\s+(\d+)/m.exec(stdout.toString())?.[1] ?? Number.NaN) / 1024
}

/** Milliseconds of `count` instant agents without mill, `atOnce` at a time. */
export const spawnInParallel = async (count: number, atOnce: number): Promise<number> => {
  let left = count
  const take = async () => {
    while (left-- > 0) await runAgent()
  }
  const start = performance.now()
  await Promise.all(Array.from({ length: atOnce }, take))
  return performance.now() - start
}

/** A cost of the machine that a row is compared with. */
export type Floor = {
  readonly name: string
  readonly unit: "ms" | "MiB"
  readonly measure: () => Promise<number> | number
}

export const emptyProcess: Floor = { name: "empty Bun process", unit: "ms", measure: startEmptyProcess }
export const trueProcess: Floor = { name: "start /bin/true", unit: "ms", measure: spawnTrue }
export const plainAppend: Floor = { name: "append 400 bytes", unit: "ms", measure: () => append(false) }
export const durableAppend: Floor = {
  name: "append 400 bytes with fdatasync",
  unit: "ms",
  measure: () => append(true),
}
export const emptyMemory: Floor = {
  name: "memory of an empty Bun process",
  unit: "MiB",
  measure: measureEmptyMemory,
}

/** The floors that are sampled before each repetition of each row. */
export const machineFloors: ReadonlyArray<Floor> = [emptyProcess, trueProcess, plainAppend, durableAppend]
