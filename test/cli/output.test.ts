/** Output reaches slow, short and full readers completely, or the command reports an error. */
import { describe, expect, test } from "bun:test"
import { makeWorld, millCommand } from "../support/mill.ts"

const world = makeWorld()
const length = 3_000_000
world.write("long.ts", `export default "x".repeat(${length})`)
const ended = await world.run("long.ts", ["--driver", "offline"])
const { id } = ended.record

const words = millCommand.map((word) => `'${word}'`).join(" ")

/** Runs a shell script in which `mill` is the command and `$RUN` the run. */
const runScript = (script: string) => {
  const child = Bun.spawnSync(["bash", "-c", `mill() { ${words} "$@"; }; ${script}`], {
    cwd: world.dir,
    env: { ...process.env, MILL_HOME: `${world.dir}/home`, RUN: id, NO_COLOR: "1" },
  })
  return { stdout: child.stdout.toString(), stderr: child.stderr.toString(), code: child.exitCode }
}

test("a slow reader receives a result of several megabytes", () => {
  const { stdout } = runScript(`mill watch --run $RUN --json | (sleep 0.3; wc -c)`)
  expect(Number(stdout)).toBeGreaterThan(length)
})

test("a reader that closes the pipe causes no error", () => {
  const { code, stderr, stdout } = runScript(`set -o pipefail; mill status $RUN --json | head -c 10`)
  expect({ code, stderr, stdout: stdout.length }).toEqual({ code: 0, stderr: "", stdout: 10 })
})

describe("a full disk is an error of", () => {
  test.each(["status $RUN --json", "status $RUN", "--help", "ls", "watch --run $RUN --json"])(
    "%s",
    (line) => {
      const { code, stderr } = runScript(`mill ${line} >/dev/full`)
      expect(stderr).toBe("error: cannot write to standard output: no space left on device\n")
      expect(code).toBe(1)
    },
  )
})

test("a shared pipe keeps its mode", () => {
  const after = `'${process.execPath}' -e 'require("fs").writeSync(1, "y".repeat(1_000_000))'`
  const { code, stderr, stdout } = runScript(
    `set -o pipefail; (mill watch --run $RUN --json >/dev/stdout; mill status $RUN --json; ${after}) | (sleep 0.5; wc -c)`,
  )
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
  expect(Number(stdout)).toBeGreaterThan(length + 1_000_000)
})

test("a command whose reader does not read can be interrupted", async () => {
  const child = world.start(["run", "long.ts", "--driver", "offline", "--sync", "--json"])
  // The output fills the pipe, and the rest is never read.
  const reader = child.stdout.getReader()
  await reader.read()
  child.kill("SIGINT")
  expect(await child.exited).toBe(130)
  await reader.cancel()
})
