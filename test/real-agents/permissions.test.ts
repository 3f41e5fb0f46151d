import { expect, test } from "bun:test"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { type AgentName, describeWithAgent } from "../support/agents.ts"
import { makeWorld, filterEvents } from "../support/mill.ts"
import { modelOf, setStage, timeout, writeDriver, writeSpawns } from "./stage.ts"

const world = makeWorld()

/** Whether an agent, called by this codec, may write a file where it works. */
const cases: ReadonlyArray<readonly [AgentName, codec: string, writes: boolean]> = [
  ["claude", "claudeCodec()", false],
  ["claude", 'claudeCodec({ permissionMode: "acceptEdits" })', true],
  ["codex", "codexCodec()", false],
  ["codex", 'codexCodec({ sandbox: "danger-full-access" })', true],
  ["pi", "piCodec()", true],
  ["pi", 'piCodec({ tools: ["read"] })', false],
]

for (const [name, codec, writes] of cases) {
  describeWithAgent(name, `a real ${name}, called by ${codec},`, () => {
    test(
      writes ? "may write" : "may not write",
      async () => {
        await using stage = await setStage(world, name)
        writeDriver(stage, name, codec)
        const prompt = "[tool:bash echo hello > written.txt]"
        const program = writeSpawns(world, `writes-${name}.ts`, [{ prompt, model: modelOf[name] }])
        const { events, result } = await stage.run(program, [])
        expect(result.spawns).toMatchObject([{ status: "complete" }])
        expect(existsSync(join(stage.cwd, "written.txt"))).toBe(writes)
        if (name === "claude") {
          const milestones = filterEvents(events, "spawn:milestone").map(({ payload }) => payload.message)
          expect(milestones).toEqual(writes ? [] : ["permission denied: Bash"])
        }
      },
      timeout,
    )
  })
}
