/** Colour is for terminals, and for those who have not said no. */
import { beforeAll, expect, test } from "bun:test"
import { makeWorld, type MillOptions } from "../support/mill.ts"
import { startInTerminal } from "../support/terminal.ts"

const world = makeWorld()
beforeAll(async () => {
  world.write("bad.ts", `throw new Error("oh")`)
  await world.run("bad.ts", ["--driver", "offline"])
})

/** What `mill` shows in a terminal. */
const inTerminal = (args: ReadonlyArray<string>, env: MillOptions["env"] = {}) =>
  startInTerminal(world, args, { env }).result

const escape = "\u001b"

test.concurrent("a terminal has colour", async () => {
  expect((await inTerminal(["status", "nosuch"])).output).toContain(`${escape}[31m`)
})

test.concurrent.each([
  ["with NO_COLOR", [], { NO_COLOR: "1" }],
  ["with --no-color", ["--no-color"], {}],
] as const)("not %s", async (_, flags, env) => {
  for (const args of [
    ["status", "last"],
    ["status", "nosuch"],
  ]) {
    const { output } = await inTerminal([...args, ...flags], env)
    expect(output).toMatch(/failed|nosuch/)
    expect(output).not.toContain(escape)
  }
})

test.concurrent("nor with --json, which is for programs", async () => {
  const { code, output } = await inTerminal(["ls", "--json"])
  expect(JSON.parse(output)).toHaveLength(1)
  expect(code).toBe(0)
})

test.concurrent("a pipe has none", async () => {
  const { stderr, stdout } = await world.mill(["status", "last"], { env: { NO_COLOR: undefined } })
  expect(stdout + stderr).toMatch(/failed|nosuch/)
  expect(stdout + stderr).not.toContain(escape)
})
