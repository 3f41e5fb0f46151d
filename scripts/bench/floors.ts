/** What the machine itself costs, without any mill: measured in the same run as what stands on it. */
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { answer } from "./world.ts"

const timed = (work: () => unknown): number => {
  const start = performance.now()
  work()
  return performance.now() - start
}

/** Milliseconds of a Bun process that does nothing. */
export const emptyProcess = (): number =>
  timed(() => Bun.spawnSync([process.execPath, `${import.meta.dirname}/empty.js`], { stdout: "ignore" }))

/** Milliseconds of starting a command that does nothing, and of seeing it end. */
export const bareSpawn = (): number =>
  timed(() => Bun.spawnSync(["/bin/true"], { stdin: "ignore", stdout: "ignore", stderr: "ignore" }))

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

/** Milliseconds of one append of 400 bytes, of `count`. */
export const append = (sync: boolean, count = sync ? 50 : 2000): number =>
  withFile((file) =>
    timed(() => {
      for (let n = 0; n < count; n++) {
        writeSync(file, line)
        if (sync) fdatasyncSync(file)
      }
    }),
  ) / count

const agent = async () => {
  const child = Bun.spawn(["/bin/echo", answer], { stdin: "ignore", stdout: "pipe", stderr: "ignore" })
  await Promise.all([child.exited, new Response(child.stdout).text()])
}

/** Milliseconds of an instant agent without mill, with two durable appends: one after the other, `count` times. */
export const spawnsInTurn = async (count: number): Promise<number> => {
  const dir = mkdtempSync(join(tmpdir(), "mill-floor-"))
  const file = openSync(join(dir, "log"), "a")
  const durable = () => {
    writeSync(file, line)
    fdatasyncSync(file)
  }
  const start = performance.now()
  for (let n = 0; n < count; n++) {
    durable()
    await agent()
    durable()
  }
  const millis = performance.now() - start
  closeSync(file)
  rmSync(dir, { recursive: true })
  return millis / count
}

/** Milliseconds of `count` instant agents without mill, `atOnce` at a time. */
export const spawnsAtOnce = async (count: number, atOnce: number): Promise<number> => {
  let left = count
  const take = async () => {
    while (left-- > 0) await agent()
  }
  const start = performance.now()
  await Promise.all(Array.from({ length: atOnce }, take))
  return performance.now() - start
}
