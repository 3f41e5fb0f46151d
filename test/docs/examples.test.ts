import { describe, expect, test } from "bun:test"
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { join } from "node:path"
import { waitFor, makeWorld, filterEvents, repository, writeScript } from "../support/mill.ts"
import { startModelServer } from "../support/model-server.ts"
import { isWithoutSandbox } from "../support/sandbox.ts"

const world = makeWorld()
const folder = join(repository, "examples")
const timeout = 120_000

const rehearse = (name: string, args: ReadonlyArray<string> = []) =>
  world.run(join(folder, name), ["--driver", "offline", ...args])

describe("examples", () => {
  test("begin with the reference to the types and two lines that say what they are", () => {
    const names = readdirSync(folder)
      .filter((name) => name.endsWith(".ts"))
      .toSorted()
    expect(names).toEqual(["fan-out.ts", "sequential.ts", "until-check-passes.ts"])
    for (const name of [...names, "http/conversation.ts", "sandboxed/program.ts"]) {
      const [first, ...rest] = readFileSync(join(folder, name), "utf8").split("\n")
      expect(first).toBe('/// <reference types="@mill/core/program" />')
      expect(rest.slice(0, 3)).toEqual([expect.stringMatching(/^\/\/ /), expect.stringMatching(/^\/\/ /), ""])
    }
  })

  test(
    "sequential.ts: the second step is about what the first one gave",
    async () => {
      const { code, events, result } = await rehearse("sequential.ts", ["--", "src/auth"])
      expect(code).toBe(0)
      const analysis = expect.stringMatching(/^This is scout, .*"Review src\/auth and summarize/)
      const plan = expect.stringMatching(/^This is planner, .*"Make a plan from this analysis: This is scout/)
      expect(result.programResult).toEqual({ folder: "src/auth", analysis, plan })
      const prompts = filterEvents(events, "spawn:start").map(({ payload }) => payload.input.prompt)
      expect(prompts[1]).toEndWith(`\n\n${result.spawns[0]?.text}`)
    },
    timeout,
  )

  test(
    "fan-out.ts: three work at once, and one has the last word about all three",
    async () => {
      const { code, events, result } = await rehearse("fan-out.ts")
      expect(code).toBe(0)
      const order = events.flatMap(({ payload, type }) =>
        type === "spawn:start" || type === "spawn:complete" ? [`${type} ${payload.spawnId}`] : [],
      )
      expect(order.slice(0, 3).toSorted()).toEqual([1, 2, 3].map((n) => `spawn:start spawn_${n}`))
      expect(order.slice(-2)).toEqual(["spawn:start spawn_4", "spawn:complete spawn_4"])
      expect(filterEvents(events, "spawn:tool_call").map(({ payload }) => payload.toolName)).toEqual(["grep"])
      const [one, two, three] = result.spawns.map(({ agent, text }) => `${agent}: ${text}`)
      expect(one).toMatch(/^security: customer is concatenated into the SQL/)
      expect(result.programResult).toBe(`Today      ${one}\nThis week  ${two}\nLater      ${three}`)
    },
    timeout,
  )

  test(
    "http: a conversation with a server goes on, and the others' keys are asked for by name",
    async () => {
      await using server = await startModelServer()
      const config = readFileSync(join(folder, "http/mill.config.ts"), "utf8")
      world.write("http/mill.config.ts", config.replace("http://localhost:11434", server.url))
      const program = world.write(
        "http/conversation.ts",
        readFileSync(join(folder, "http/conversation.ts"), "utf8"),
      )
      const options = { cwd: join(world.dir, "http") }
      const { result } = await world.run(program, ["--", "some-model", "One?", "Two?"], options)
      expect(result.programResult).toEqual(["ECHO: One?", "ECHO: Two?"])
      expect(await server.listRequests()).toMatchObject([
        { api: "chat", model: "some-model", prompt: "One?", history: [] },
        { api: "chat", model: "some-model", prompt: "Two?", history: ["user: One?", "agent: ECHO: One?"] },
      ])
      for (const [driver, variable] of [
        ["anthropic", "ANTHROPIC_API_KEY"],
        ["openai", "OPENAI_API_KEY"],
      ] as const) {
        const refused = await world.mill(["run", program, "--driver", driver], {
          ...options,
          env: { [variable]: undefined },
        })
        expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining(`${variable} is not set`) })
      }
    },
    timeout,
  )

  test(
    "until-check-passes.ts: reports each failure to the agent until the check passes",
    async () => {
      const { code, events, result } = await rehearse("until-check-passes.ts")
      expect(code).toBe(0)
      expect(result.programResult).toEqual({
        pattern: String.raw`^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$`,
        attempts: 3,
        problems: [
          String.raw`\d+-\d+-\d+: it matches 2026-11-20T10:00`,
          String.raw`^\d{4}-\d{2}-\d{2}$: it matches 2026-13-01`,
        ],
      })
      const prompts = filterEvents(events, "spawn:start").map(({ payload }) => payload.input.prompt)
      expect(prompts[0]).not.toContain("failed")
      expect(prompts[2]).toContain("Attempt 1 failed")
      expect(prompts[2]).toContain("Attempt 2 failed")
    },
    timeout,
  )

  test.skipIf(isWithoutSandbox)(
    "sandboxed: can do nothing but ask an agent",
    async () => {
      const { record, result } = await world.run("program.ts", [], { cwd: join(folder, "sandboxed") })
      expect(record.executor).toBe("vm")
      expect(result.programResult).toEqual({
        "read the configuration file": "blocked",
        "read the list of users": "blocked",
        "write to its own directory": "blocked",
        "reach the network": "blocked",
        "ask an agent": "I am outside the sandbox",
      })
    },
    timeout,
  )

  test(
    "until-check-passes.ts: gives up when no answer will do",
    async () => {
      // An agent that always answers the same.
      const program = world.write(
        "examples/stubborn.ts",
        readFileSync(join(folder, "until-check-passes.ts"), "utf8").replace(/\[say .*?\]`/, "[say [0-9]+]`"),
      )
      const { code, record } = await world.run(program, ["--driver", "offline"])
      expect(code).toBe(1)
      expect(record.spawns.complete).toBe(5)
      expect(record.errorMessage).toMatch(/no pattern passed the check/)
    },
    timeout,
  )

  test(
    "extensions/notify.ts: reports the end of a run and the messages of the program",
    async () => {
      const told = join(world.dir, "told")
      // Stands in for what shows notifications, and for a command of the user's: notes its arguments, one a line.
      for (const name of ["bin/notify-send", "bin/osascript", "notify/tell.sh"]) {
        writeScript(world, name, `printf '%s\\n' "$(basename "$0")" "$@" >> ${told}`)
      }
      const source = readFileSync(join(folder, "extensions/notify.ts"), "utf8")
      world.write("notify/notify.ts", source)
      const configuration = readFileSync(join(folder, "extensions/mill.config.ts"), "utf8")
      const cwd = join(world.dir, "notify")
      const env = { PATH: `${join(world.dir, "bin")}:${process.env["PATH"]}` }
      const saying = (message: string) =>
        `await (mill as any).notify.send(${JSON.stringify(message)})\nexport default 1`
      const lines = async (last: string) => {
        await waitFor(`told: ${last}`, () => existsSync(told) && readFileSync(told, "utf8").includes(last))
        const found = readFileSync(told, "utf8").trimEnd().split("\n")
        rmSync(told)
        return found
      }

      world.write("notify/mill.config.ts", configuration)
      const message = '$(touch x) "quoted" -- é'
      expect((await world.run(world.write("notify/says.ts", saying(message)), [], { cwd, env })).code).toBe(0)
      const desktop = await lines("complete")
      expect(desktop).toContain(message)
      expect(desktop.slice(-2)).toEqual(["mill: says.ts complete", "0 spawns"])

      world.write(
        "notify/mill.config.ts",
        configuration.replace(
          /notify\(\{ on.*?\}\)/,
          `notify({ command: ["./tell.sh", "--quiet"], on: ["failed"] })`,
        ),
      )
      await world.run(world.write("notify/fine.ts", "export default 1"), [], { cwd, env })
      await world.run(world.write("notify/fails.ts", `throw new Error("no luck")`), [], { cwd, env })
      expect(await lines("failed")).toEqual(["tell.sh", "--quiet", "mill: fails.ts failed", "Error: no luck"])

      world.write(
        "notify/mill.config.ts",
        configuration.replace(/notify\(\{ on.*?\}\)/, `notify({ command: ["nope"] })`),
      )
      const { events, record } = await world.run(world.write("notify/fine.ts", "export default 1"), [], {
        cwd,
        env,
      })
      expect(record.status).toBe("complete")
      expect(filterEvents(events, "extension:error").map(({ payload }) => payload.message)).toEqual([
        "nope is not on PATH",
      ])
    },
    timeout,
  )
})
