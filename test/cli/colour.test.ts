/** mill uses colour in a terminal unless it is switched off. */
import { beforeAll, expect, test } from "bun:test"
import { makeWorld, type MillOptions } from "../support/mill.ts"
import { startInTerminal } from "../support/terminal.ts"

const world = makeWorld()
beforeAll(async () => {
  world.write("bad.ts", `throw new Error("oh")`)
  await world.run("bad.ts", ["--driver", "offline"])
})

/** Runs `mill` in a terminal. */
const runInTerminal = (args: ReadonlyArray<string>, env: MillOptions["env"] = {}) =>
  startInTerminal(world, args, { env }).result

const escape = "\u001b"

test.concurrent("mill uses colour in a terminal", async () => {
  expect((await runInTerminal(["status", "nosuch"])).output).toContain(`${escape}[31m`)
})

test.concurrent.each([
  ["with NO_COLOR", [], { NO_COLOR: "1" }],
  ["with --no-color", ["--no-color"], {}],
] as const)("mill uses no colour %s", async (_, flags, env) => {
  for (const args of [
    ["status", "last"],
    ["status", "nosuch"],
  ]) {
    const { output } = await runInTerminal([...args, ...flags], env)
    expect(output).toMatch(/failed|nosuch/)
    expect(output).not.toContain(escape)
  }
})

test.concurrent("mill --json uses no colour in a terminal", async () => {
  const { code, output } = await runInTerminal(["ls", "--json"])
  expect(JSON.parse(output)).toHaveLength(1)
  expect(code).toBe(0)
})

test.concurrent("mill uses no colour in a pipe", async () => {
  const { stderr, stdout } = await world.mill(["status", "last"], { env: { NO_COLOR: undefined } })
  expect(stdout + stderr).toMatch(/failed|nosuch/)
  expect(stdout + stderr).not.toContain(escape)
})
