import { describe, expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { describeWithAgent } from "../support/agents.ts"
import { waitFor, makeWorld, filterEvents } from "../support/mill.ts"
import { agentNames, modelOf, setStage, timeout, writeSpawns } from "./stage.ts"

const world = makeWorld()

const unknownModel = { claude: "no-such-model", codex: "no-such-model", pi: "fake/no-such-model" }

/** How each agent words what the server said about an unknown model. */
const unknownMessage = {
  claude: /404.*\(no-such-model\)/,
  codex: /scripted error 404/,
  pi: /scripted error 404/,
}

/** pi exits with 0 whatever the server said. */
const errorCode = { claude: 1, codex: 1, pi: 0 }

for (const name of agentNames) {
  const model = modelOf[name]

  describeWithAgent(name, `a real ${name} that fails`, () => {
    for (const status of [401, 529]) {
      test(
        `because the server says ${status} fails its spawn and the run with what the server said`,
        async () => {
          await using stage = await setStage(world, name)
          const spawn = { agent: "a", systemPrompt: "S", prompt: `[error ${status}]`, model }
          const program = world.write(`error-${name}.ts`, `await mill.spawn(${JSON.stringify(spawn)})`)
          const { code, events, record, result } = await stage.run(program)
          const message = new RegExp(`scripted error ${status}`)
          expect(filterEvents(events, "spawn:error").map(({ payload }) => payload)).toMatchObject([
            { spawnId: "spawn_1", cause: "agent-error", message: expect.stringMatching(message) },
          ])
          expect(result.spawns).toMatchObject([
            { status: "error", exitCode: errorCode[name], errorMessage: expect.stringMatching(message) },
          ])
          expect(result.spawns[0]).not.toHaveProperty("usage")
          expect(record.status).toBe("failed")
          expect(record.errorMessage).toMatch(message)
          expect(code).toBe(1)
          for (const { state } of await stage.server.listRequests()) expect(state).toBe("refused")
        },
        timeout,
      )
    }

    test(
      "because the model is unknown reports that",
      async () => {
        await using stage = await setStage(world, name)
        const program = writeSpawns(world, `unknown-${name}.ts`, [
          { prompt: "[error 404]", model: unknownModel[name] },
        ])
        const { code, events, result } = await stage.run(program)
        expect(filterEvents(events, "spawn:error").map(({ payload }) => payload)).toMatchObject([
          { cause: "agent-error", message: expect.stringMatching(unknownMessage[name]) },
        ])
        // The program has handled it.
        expect(result.programResult).toMatchObject([
          { failed: { cause: "agent-error" }, model: unknownModel[name] },
        ])
        expect(code).toBe(0)
        for (const request of await stage.server.listRequests()) expect(request.model).toBe("no-such-model")
      },
      timeout,
    )

    test(
      "once, then answers, completes and reports the retry",
      async () => {
        await using stage = await setStage(world, name)
        const prompt = "[error 529 x1] [say got there]"
        const { events, result } = await stage.run(
          writeSpawns(world, `recovers-${name}.ts`, [{ prompt, model }]),
        )
        expect(result.spawns).toMatchObject([{ status: "complete", text: "got there" }])
        const milestones = filterEvents(events, "spawn:milestone").map(({ payload }) => payload.message)
        // codex tries again without a word where the stream has not begun.
        if (name !== "codex") expect(milestones).toEqual([expect.stringMatching(/^retrying: .*529/)])
        const states = (await stage.server.listRequests()).map(({ state }) => state)
        expect(states).toEqual(["refused", "answered"])
      },
      timeout,
    )

    describe("because it was killed", () => {
      const kill = async (prompt: string, isThere: (events: string) => boolean) => {
        await using stage = await setStage(world, name)
        const program = writeSpawns(world, `killed-${name}.ts`, [{ prompt, model }])
        const run = await stage.submit(program)
        await stage.server.waitForRequest((request) => request.prompt === prompt, 30_000)
        await waitFor("the agent is at it", () => isThere(readFileSync(run.paths.eventsFile, "utf8")))
        const spawnFile = `${run.paths.runDir}/spawns/spawn_1.json`
        process.kill(JSON.parse(readFileSync(spawnFile, "utf8")).process.pid, "SIGKILL")
        const { events, result } = await stage.finish(run)
        expect(filterEvents(events, "spawn:error").map(({ payload }) => payload)).toMatchObject([
          { cause: "signal", message: `${name} was killed by SIGKILL`, result: { signal: "SIGKILL" } },
        ])
        expect(result.spawns).toMatchObject([{ status: "error", sessionRef: expect.any(String) }])
      }

      test("during an answer reports the signal", () => kill("[hang]", () => true), timeout)

      test(
        "during a tool call leaves no process of the tool",
        () => kill("[tool:bash sleep 1000]", (events) => events.includes('"spawn:tool_call"')),
        timeout,
      )
    })
  })
}
