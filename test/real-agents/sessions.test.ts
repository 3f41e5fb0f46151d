/** A conversation with a real agent continues in another spawn, and in another run. */
import { expect, test } from "bun:test"
import { describeWithAgent } from "../support/agents.ts"
import { makeWorld } from "../support/mill.ts"
import { agentNames, modelOf, setStage, timeout } from "./stage.ts"

const world = makeWorld()

for (const name of agentNames) {
  const model = JSON.stringify(modelOf[name])
  const program = (file: string, body: string) =>
    world.write(
      `${name}-${file}.ts`,
      `const ask = (prompt: string, sessionRef?: string) =>
  mill.spawn({ agent: "a", systemPrompt: "Be as " + prompt, model: ${model}, prompt, sessionRef })
${body}`,
    )

  describeWithAgent(name, `a conversation with ${name}`, () => {
    test(
      "continues in the same run and in another run",
      async () => {
        await using stage = await setStage(world, name)
        const first = await stage.run(
          program(
            "first",
            `const one = await ask("the word is plum")\nexport default await ask("and then", one.sessionRef)`,
          ),
        )
        expect(first.result.spawns).toMatchObject([
          { status: "complete", text: "ECHO: the word is plum" },
          { status: "complete", text: "ECHO: and then" },
        ])
        const sessionRef = first.result.spawns[1]?.sessionRef ?? ""
        const second = await stage.run(
          program("second", `export default await ask("at last", ${JSON.stringify(sessionRef)})`),
        )
        expect(second.result.spawns).toMatchObject([{ status: "complete", text: "ECHO: at last" }])
        const heard = await stage.server.waitForRequest(({ prompt }) => prompt === "at last")
        const history = heard.history.join("\n")
        expect(history).toMatch(
          /user: the word is plum[^]*agent: ECHO: the word is plum[^]*user: and then[^]*agent: ECHO: and then/,
        )
        // claude and codex keep the system prompt of the first spawn.
        const being = /Be as [\w ]+/.exec(heard.system)?.[0]
        expect(being).toBe(name === "pi" ? "Be as at last" : "Be as the word is plum")
      },
      timeout,
    )

    test(
      "that does not exist fails the spawn",
      async () => {
        await using stage = await setStage(world, name)
        const { result } = await stage.run(
          program(
            "unknown",
            `export default await ask("never", "11111111-2222-4333-8444-555555555555").catch((error) => error.message)`,
          ),
        )
        expect(result.spawns).toMatchObject([{ status: "error" }])
        expect(result.programResult).toMatch(/11111111-2222/)
        expect(await stage.server.listRequests()).toEqual([])
      },
      timeout,
    )
  })
}
