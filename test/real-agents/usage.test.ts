/** The usage of each spawn is what the model server has served to it, however the conversation continues. */
import { expect, test } from "bun:test"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import type { SpawnSummary } from "../../src/domain/spawn.schema.ts"
import { agentModel, type AgentName, describeWithAgent } from "../support/agents.ts"
import { makeWorld } from "../support/mill.ts"
import { findServed } from "./served.ts"
import { agentNames, setStage, timeout, writeDriver } from "./stage.ts"

const world = makeWorld()

const modelOf: Record<AgentName, string> = { ...agentModel, pi: `fake/${agentModel.pi}` }

const program = (name: AgentName, file: string, body: string) =>
  world.write(
    `${name}-${file}.ts`,
    `const ask = (prompt: string, sessionRef?: string) =>
  mill.spawn({ agent: "a", systemPrompt: "S", model: ${JSON.stringify(modelOf[name])}, prompt, sessionRef })
${body}`,
  )

const usageOf = (spawns: ReadonlyArray<SpawnSummary>, index: number) => spawns[index]?.usage

for (const name of agentNames) {
  describeWithAgent(name, `the usage of a conversation with ${name}`, () => {
    test(
      "is counted for each turn, with tools and a failed turn",
      async () => {
        await using stage = await setStage(world, name)
        const prompts = [
          "one",
          "[tool:bash echo a] [tool:bash echo b] two",
          "three",
          "[error 400] four",
          "five",
        ]
        const { result } = await stage.run(
          program(
            name,
            "turns",
            `const [one, two, three, four, five] = ${JSON.stringify(prompts)}
const first = await ask(one)
const second = await ask(two, first.sessionRef)
const third = await ask(three, second.sessionRef)
await ask(four, third.sessionRef).catch(() => {})
await ask(five, third.sessionRef)`,
          ),
        )
        expect(result.spawns.map(({ status }) => status)).toEqual([
          "complete",
          "complete",
          "complete",
          "error",
          "complete",
        ])
        for (const index of [0, 1, 2]) {
          expect(usageOf(result.spawns, index)).toMatchObject(
            await findServed(stage.server, name, prompts[index] ?? ""),
          )
        }
        // The server has counted nothing.
        expect(usageOf(result.spawns, 3)).toBeUndefined()
        // After a turn without a total, codex's total says nothing about the next one.
        if (name === "codex") expect(usageOf(result.spawns, 4)).toBeUndefined()
        else {
          expect(usageOf(result.spawns, 4)).toMatchObject(await findServed(stage.server, name, "five"))
        }
      },
      timeout,
    )

    test(
      "is counted in another run, or unknown",
      async () => {
        await using stage = await setStage(world, name)
        const first = await stage.run(program(name, "first", `await ask("one")`))
        const { sessionRef } = first.result.spawns[0] ?? {}
        const { result } = await stage.run(
          program(
            name,
            "second",
            `const two = await ask("two", ${JSON.stringify(sessionRef)})\nawait ask("three", two.sessionRef)`,
          ),
        )
        if (name === "codex") expect(usageOf(result.spawns, 0)).toBeUndefined()
        else expect(usageOf(result.spawns, 0)).toMatchObject(await findServed(stage.server, name, "two"))
        expect(usageOf(result.spawns, 1)).toMatchObject(await findServed(stage.server, name, "three"))
      },
      timeout,
    )
  })
}

describeWithAgent("claude", "the usage of claude", () => {
  test(
    "is counted for each of two forks of a conversation at the same time",
    async () => {
      await using stage = await setStage(world, "claude")
      const first = await stage.run(
        program("claude", "origin", `const one = await ask("one")\nawait ask("two", one.sessionRef)`),
      )
      const { sessionRef } = first.result.spawns[1] ?? {}
      writeDriver(stage, "claude", "claudeCodec()")
      const config = await Bun.file(join(stage.cwd, "mill.config.ts")).text()
      writeFileSync(
        join(stage.cwd, "mill.config.ts"),
        config.replace("codec:", `args: ["--fork-session"], codec:`),
      )
      const forks = await stage.run(
        program(
          "claude",
          "forks",
          `const origin = ${JSON.stringify(sessionRef)}
const [left] = await Promise.all([ask("[tool:bash echo a] left", origin), ask("right", origin)])
await ask("further left", left.sessionRef)`,
        ),
        [],
      )
      const sessions = forks.result.spawns.map((spawn) => spawn.sessionRef)
      expect(new Set([sessionRef, ...sessions]).size).toBe(4)
      const prompts = ["one", "two", "[tool:bash echo a] left", "right", "further left"]
      const spawns = [...first.result.spawns, ...forks.result.spawns]
      const byText = (prompt: string) =>
        spawns.find(({ text }) => text.split("\n")[0] === `ECHO: ${prompt}`)?.usage
      for (const prompt of prompts) {
        expect(byText(prompt)).toMatchObject(await findServed(stage.server, "claude", prompt))
      }
      expect(await stage.server.listRequests()).toHaveLength(6)
    },
    timeout,
  )
})
