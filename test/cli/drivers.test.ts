/** Choosing the driver of a run, and the errors when there is none. */
import { describe, expect, test } from "bun:test"
import { join, resolve } from "node:path"
import { listEntries, formatJsonlDriver, makeWorld, writeConfig, writeScript } from "../support/mill.ts"

const world = makeWorld()
const program = world.write(
  "program.ts",
  `export default (await mill.spawn({ agent: "a", systemPrompt: "s", prompt: "p", model: "m" })).text`,
)
/** A folder with agents of these names. Each answers with its name. */
const writeAgents = (folder: string, ...names: ReadonlyArray<string>) => {
  for (const name of names) {
    writeScript(
      world,
      `${folder}/${name}`,
      `cat > /dev/null
echo '{"type":"system","subtype":"init","session_id":"s1"}'
echo '{"type":"result","subtype":"success","is_error":false,"result":"${name}","session_id":"s1"}'`,
    )
  }
  return join(world.dir, folder)
}
const system = "/usr/bin:/bin"

describe("without --driver", () => {
  test.concurrent("an agent on PATH is chosen, and named on stderr", async () => {
    const path = writeAgents("one", "codex", "claude", "pi")
    const env = { PATH: `${path}:${system}` }
    const ran = await world.run(program, [], { env })
    expect(ran.record.driver).toBe("claude")
    expect(ran.result.programResult).toBe("claude")
    expect(ran.stderr).toBe(`driver: claude, found at ${path}/claude (use --driver to choose another)\n`)
  })
  test.concurrent("no agent on PATH is an error with a hint to work offline", async () => {
    const { code, stderr } = await world.mill(["run", program], { env: { PATH: system } })
    expect(stderr).toMatch(
      /^error: no agent found on PATH; looked for claude, pi, codex\n.*--driver offline\n$/,
    )
    expect(code).toBe(2)
  })
  test.concurrent("the configuration's default is used silently, and --driver overrides it", async () => {
    const mine = writeScript(world, "mine", `echo '{"type":"result","text":"mine"}'`)
    const cwd = join(world.dir, "configured")
    writeConfig(world, { mine: formatJsonlDriver(mine) }, "configured/mill.config.ts")
    const own = await world.run(program, [], { cwd })
    expect([own.result.programResult, own.record.driver, own.stderr]).toEqual(["mine", "mine", ""])
    const named = await world.run(program, ["--driver", "offline"], { cwd })
    expect([named.record.driver, named.stderr]).toEqual(["offline", ""])
    expect(named.result.programResult).toMatch(/offline/)
  })
})

describe("a driver whose command does not exist", () => {
  test.concurrent.each([["no-such-agent"], ["./no-such-agent"], ["/no/such/agent.sh"]])(
    "%s is refused before the run starts",
    async (command) => {
      const folder = `absent${command.length}`
      const cwd = join(world.dir, folder)
      writeConfig(world, { gone: formatJsonlDriver(command) }, `${folder}/mill.config.ts`)
      const { code, stdout } = await world.mill(["run", program, "--json", "--runs-dir", "runs"], { cwd })
      const { error } = JSON.parse(stdout)
      expect(error.message).toContain(
        command.includes("/")
          ? `driver gone: no executable found at "${resolve(cwd, command)}"`
          : `driver gone: the command "${command}" is not on PATH`,
      )
      expect([error._tag, error.hint]).toEqual(["ConfigError", expect.stringContaining("--driver offline")])
      expect([code, listEntries(join(cwd, "runs"))]).toEqual([2, []])
    },
  )
})

test.concurrent("the offline driver answers without an agent, at no cost", async () => {
  const { events, result } = await world.run(program, ["--driver", "offline"], { env: { PATH: system } })
  expect(result.spawns).toHaveLength(1)
  expect(result.usage).toMatchObject({ costUsd: 0 })
  expect(events.at(-1)?.type).toBe("run:complete")
})
