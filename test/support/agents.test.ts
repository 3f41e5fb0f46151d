import { describe, expect, test } from "bun:test"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { type AgentName, agentModel, makeAgentPlace, type AgentPlace, describeWithAgent } from "./agents.ts"
import { startModelServer } from "./model-server.ts"

const timeout = 120_000

/** For each agent, the shortest command line with a model and a system prompt. The prompt is sent on standard input. */
const argumentsFor: Record<AgentName, (system: string) => ReadonlyArray<string>> = {
  claude: (system) => ["-p", `--model=${agentModel.claude}`, `--system-prompt=${system}`],
  codex: (system) => [
    "exec",
    "--skip-git-repo-check",
    "--disable=plugins",
    `--model=${agentModel.codex}`,
    `--config=developer_instructions=${JSON.stringify(system)}`,
    "-",
  ],
  pi: (system) => ["-p", "--provider", "fake", "--model", agentModel.pi, "--system-prompt", system],
}

const run = async (name: AgentName, place: AgentPlace, system: string, prompt: string) => {
  await using agent = Bun.spawn([...place.command, ...argumentsFor[name](system)], {
    cwd: place.cwd,
    env: place.env,
    stdin: new Blob([prompt]),
    stdout: "pipe",
    stderr: "pipe",
  })
  const [stdout, stderr] = await Promise.all([agent.stdout.text(), agent.stderr.text()])
  return { exitCode: await agent.exited, stdout, stderr }
}

for (const name of ["claude", "codex", "pi"] as const) {
  describeWithAgent(name, `the real ${name}`, () => {
    test(
      "sends system prompt, model and prompt to the model server and prints its answer",
      async () => {
        await using server = await startModelServer()
        await using place = await makeAgentPlace(name, server.url)
        const result = await run(name, place, 'Speak\n"plainly" 🚀.', "Is this\n'it'?")
        expect(result).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("ECHO: Is this\n'it'?") })
        const [request, ...more] = await server.listRequests()
        expect(more).toEqual([])
        expect(request).toMatchObject({
          model: agentModel[name],
          prompt: "Is this\n'it'?",
          apiKey: "test-key",
          state: "answered",
        })
        expect(request?.system).toContain('Speak\n"plainly" 🚀.')
      },
      timeout,
    )

    test(
      "runs a command that the model asks for",
      async () => {
        await using server = await startModelServer()
        await using place = await makeAgentPlace(name, server.url)
        const result = await run(name, place, "S", "[tool:bash echo $((6 * 7)) is it]")
        expect(result).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("42 is it") })
        expect(
          (await server.listRequests()).map(({ toolResults }) => toolResults.join().includes("42 is it")),
        ).toEqual([false, true])
      },
      timeout,
    )
  })
}

describe("makeAgentPlace", () => {
  test("removes the home on disposal", async () => {
    let home = ""
    {
      await using place = await makeAgentPlace("codex", "http://127.0.0.1:9")
      home = place.home
      expect(existsSync(join(home, ".codex/config.toml"))).toBe(true)
    }
    expect(existsSync(join(home, ".."))).toBe(false)
  })
})
