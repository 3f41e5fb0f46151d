/** Where what a command prints goes: whole, to readers of every kind, or the command says that it did not. */
import { describe, expect, test } from "bun:test"
import { makeWorld, millCommand } from "../support/mill.ts"

const world = makeWorld()
const length = 3_000_000
world.write("long.ts", `export default "x".repeat(${length})`)
const ended = await world.run("long.ts", ["--driver", "offline"])
const { id } = ended.record

const words = millCommand.map((word) => `'${word}'`).join(" ")

/** Runs a shell script, in which `mill` is the command and `$RUN` the run. */
const shell = (script: string) => {
  const child = Bun.spawnSync(["bash", "-c", `mill() { ${words} "$@"; }; ${script}`], {
    cwd: world.dir,
    env: { ...process.env, MILL_HOME: `${world.dir}/home`, RUN: id, NO_COLOR: "1" },
  })
  return { stdout: child.stdout.toString(), stderr: child.stderr.toString(), code: child.exitCode }
}

test("a result of megabytes reaches a reader that takes its time", () => {
  const { stdout } = shell(`mill watch --run $RUN --json | (sleep 0.3; wc -c)`)
  expect(Number(stdout)).toBeGreaterThan(length)
})

test("a reader that has seen enough ends nothing badly", () => {
  const { code, stderr, stdout } = shell(`set -o pipefail; mill status $RUN --json | head -c 10`)
  expect({ code, stderr, stdout: stdout.length }).toEqual({ code: 0, stderr: "", stdout: 10 })
})

describe("a disk that is full is told of, and is no success", () => {
  test.each(["status $RUN --json", "status $RUN", "--help", "ls", "watch --run $RUN --json"])(
    "%s",
    (line) => {
      const { code, stderr } = shell(`mill ${line} >/dev/full`)
      expect(stderr).toBe("error: cannot write to standard output: no space left on device\n")
      expect(code).toBe(1)
    },
  )
})

test("whoever shares a pipe finds it as it was", () => {
  const after = `bun -e 'require("fs").writeSync(1, "y".repeat(1_000_000))'`
  const { code, stderr, stdout } = shell(
    `PATH="${process.execPath.replace(/[^/]*$/, "")}:$PATH"; set -o pipefail; (mill watch --run $RUN --json >/dev/stdout; mill status $RUN --json; ${after}) | (sleep 0.5; wc -c)`,
  )
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
  expect(Number(stdout)).toBeGreaterThan(length + 1_000_000)
})

test("a command whose reader takes nothing can be interrupted", async () => {
  const child = world.start(["run", "long.ts", "--driver", "offline", "--sync", "--json"])
  // The first of it fills the pipe; the rest is never taken.
  const reader = child.stdout.getReader()
  await reader.read()
  child.kill("SIGINT")
  expect(await child.exited).toBe(130)
  await reader.cancel()
})
