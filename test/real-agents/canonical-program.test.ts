import { expect, test } from "bun:test"
import { describeWithAgent } from "../support/agents.ts"
import { canonicalProgram } from "../support/canonical-program.ts"
import { makeWorld, filterEvents } from "../support/mill.ts"
import { agentNames, heardModel, modelOf, setStage, timeout } from "./stage.ts"

const world = makeWorld()

/** The specification's example, with a model that the agent knows. Its second spawn names none. */
const canonical = (model: string) => canonicalProgram.replace("openai/gpt-5.3-codex", model)

const shellTool = { claude: "Bash", codex: "command_execution", pi: "bash" }

for (const name of agentNames) {
  const model = modelOf[name]

  describeWithAgent(name, `mill run on the real ${name}`, () => {
    test(
      "runs the canonical program",
      async () => {
        await using stage = await setStage(world, name)
        const program = world.write(`canonical-${name}.ts`, canonical(model))
        const { code, events, record, result } = await stage.run(program)
        const scanPrompt = "Review src/auth and summarize top security and reliability risks."
        const scan = `ECHO: ${scanPrompt}`
        const synthPrompt = `Create a step-by-step remediation plan from this analysis:\n\n${scan}`

        const answered = { state: "answered", apiKey: "test-key" }
        const requests = await stage.server.listRequests()
        expect(requests).toMatchObject([
          { ...answered, model: heardModel(model), prompt: scanPrompt },
          { ...answered, prompt: synthPrompt },
        ])
        expect(requests[0]?.system).toContain(
          "You are a code risk analyst. Prioritize highest-impact findings.",
        )
        expect(requests[1]?.system).toContain("You turn findings into an execution-ready plan.")

        expect(code).toBe(0)
        expect(record).toMatchObject({
          status: "complete",
          driver: name,
          spawns: { started: 2, complete: 2 },
        })
        const common = { status: "complete", driver: name, exitCode: 0 }
        // The agent's own default: claude and pi report it, and codex does not.
        const own = requests[1]?.model ?? ""
        const reported = { claude: own, codex: "default", pi: `fake/${own}` }[name]
        expect(result.spawns).toMatchObject([
          { ...common, spawnId: "spawn_1", agent: "scout", model, text: scan },
          { ...common, spawnId: "spawn_2", agent: "synth", model: reported, text: `ECHO: ${synthPrompt}` },
        ])
        const terminals = filterEvents(events, "spawn:complete").map(({ payload }) => payload.result)
        const sessions = terminals.map(({ sessionRef }) => sessionRef)
        expect(sessions).toEqual([expect.stringMatching(/^[0-9a-f-]{36}$/), expect.any(String)])
        expect(new Set(sessions).size).toBe(2)
        for (const { usage } of terminals) {
          expect(usage?.inputTokens).toBeGreaterThan(0)
          expect(usage?.outputTokens).toBeGreaterThan(0)
          // codex does not say what it costs.
          if (name === "codex") expect(usage).not.toHaveProperty("costUsd")
          else expect(usage?.costUsd).toBeGreaterThan(0)
        }
        expect(result.usage?.inputTokens).toBe(
          terminals.reduce((sum, { usage }) => sum + (usage?.inputTokens ?? 0), 0),
        )
        expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => index + 1))
        expect(events.map(({ type }) => type).filter((type) => type !== "spawn:milestone")).toEqual([
          "run:start",
          "run:status",
          "spawn:start",
          "spawn:complete",
          "spawn:start",
          "spawn:complete",
          "run:complete",
        ])
      },
      timeout,
    )

    test(
      "reports the agent's tool calls",
      async () => {
        await using stage = await setStage(world, name)
        const program = world.write(
          `tools-${name}.ts`,
          `const { text } = await mill.spawn({
            agent: "a",
            systemPrompt: "S",
            prompt: "[tool:bash echo $((6 * 7)) is it] [tool:bash echo second]",
            model: ${JSON.stringify(model)},
          })
          export default text`,
        )
        const { events, result } = await stage.run(program)
        expect(result.programResult).toMatch(/TOOL RESULT 1: [^]*42 is it[^]*TOOL RESULT 2: [^]*second/)
        const calls = filterEvents(events, "spawn:tool_call").map(({ payload }) => payload)
        expect(calls).toMatchObject([
          {
            spawnId: "spawn_1",
            toolName: shellTool[name],
            input: expect.stringContaining("$((6 * 7)) is it"),
          },
          { spawnId: "spawn_1", toolName: shellTool[name], input: expect.stringContaining("echo second") },
        ])
      },
      timeout,
    )
  })
}
