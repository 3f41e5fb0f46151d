/** What every supported version of an agent does: each test runs with the newest and with the oldest one. */
import { expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { oldestTested } from "../../src/codecs/tested-version.codec.ts"
import { agentModel, describeWithAgent } from "../support/agents.ts"
import { filterEvents, makeWorld, repository } from "../support/mill.ts"
import { findServed } from "./served.ts"
import { agentNames, modelOf, setStage, timeout, writeSpawns } from "./stage.ts"

const world = makeWorld()

const readVersions = (folder: string): Record<string, string> =>
  JSON.parse(readFileSync(join(repository, folder, "package.json"), "utf8")).dependencies

test("the oldest versions that the tests install are the oldest that mill claims", () => {
  const installed = { ...readVersions("test/agents"), ...readVersions("test/agents/oldest") }
  expect(installed).toEqual({ ...oldestTested })
})

const inOldest = { claude: true, codex: false, pi: true }

for (const set of ["newest", "oldest"] as const) {
  for (const name of agentNames) {
    // The oldest supported codex is the newest.
    if (set === "oldest" && !inOldest[name]) continue

    const define = () => {
      test(
        "answers, uses a tool, resumes its conversation and fails, and each turn has its own usage",
        async () => {
          await using stage = await setStage(world, name, { set })
          // claude must know the price.
          const model = name === "claude" ? agentModel.claude : modelOf[name]
          const prompts = ["one", "[tool:bash echo 6x7 is it] two", "three", "[error 400] four"]
          const { code, events, result } = await stage.run(
            world.write(
              `${set}-${name}.ts`,
              `const [one, two, three, four] = ${JSON.stringify(prompts)}
const ask = (prompt: string, sessionRef?: string) =>
  mill.spawn({ agent: "a", systemPrompt: "Be exact.", model: ${JSON.stringify(model)}, prompt, sessionRef })
const first = await ask(one)
const second = await ask(two, first.sessionRef)
const third = await ask(three, second.sessionRef)
export default await ask(four, third.sessionRef).catch(({ cause }) => cause)`,
            ),
          )
          expect({ code, answer: result.programResult }).toEqual({ code: 0, answer: "agent-error" })
          const { spawns } = result
          expect(spawns.map(({ status }) => status)).toEqual(["complete", "complete", "complete", "error"])
          expect(spawns[0]?.text).toBe("ECHO: one")
          expect(spawns[1]?.text).toMatch(/^ECHO: [^]*TOOL RESULT 1: [^]*6x7 is it/)
          expect(spawns[2]?.text).toBe("ECHO: three")
          expect(spawns[3]).toMatchObject({
            text: "",
            errorMessage: expect.stringContaining("scripted error 400"),
          })
          expect(filterEvents(events, "spawn:tool_call").map(({ payload }) => payload)).toMatchObject([
            { spawnId: "spawn_2", input: expect.stringContaining("echo 6x7 is it") },
          ])
          for (const [index, prompt] of prompts.slice(0, 3).entries())
            expect(spawns[index]?.usage).toMatchObject(await findServed(stage.server, name, prompt))
          expect(spawns[3]).not.toHaveProperty("usage")
          const heard = await stage.server.waitForRequest(({ prompt }) => prompt === "three")
          expect(heard.system).toContain("Be exact.")
          expect(heard.history.join("\n")).toMatch(
            /user: one[^]*agent: ECHO: one[^]*user: [^]*two[^]*6x7 is it/,
          )
        },
        timeout,
      )

      test(
        "hears a prompt that mentions files unchanged, and does not read them",
        async () => {
          const bodies: Array<string> = []
          let server = ""
          await using between = Bun.serve({
            hostname: "127.0.0.1",
            port: 0,
            fetch: async (request) => {
              const body = await request.text()
              bodies.push(body)
              const { pathname, search } = new URL(request.url)
              const init = { method: request.method, headers: request.headers }
              return fetch(`${server}${pathname}${search}`, body === "" ? init : { ...init, body })
            },
          })
          const through = (url: string) => {
            server = url
            return `http://127.0.0.1:${between.port}`
          }
          await using stage = await setStage(world, name, { set, through })
          const secret = world.write("secret.txt", "only the owner knows\n")
          const prompt = `@${secret} and, as somebody said, "see @${secret}"`
          const { result } = await stage.run(
            writeSpawns(world, `mention-${set}-${name}.ts`, [{ prompt, model: modelOf[name] }]),
          )
          expect(result.spawns).toMatchObject([{ status: "complete", text: `ECHO: ${prompt}` }])
          expect((await stage.server.listRequests()).map((request) => request.prompt)).toEqual([prompt])
          expect(bodies.filter((body) => body.includes(secret))).not.toEqual([])
          expect(bodies.filter((body) => body.includes("only the owner knows"))).toEqual([])
        },
        timeout,
      )
    }
    describeWithAgent(name, `the ${set} supported ${name}`, define, set)
  }
}
