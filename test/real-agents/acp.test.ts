/** Real agents through their real adapters to the Agent Client Protocol. */
import { expect, test } from "bun:test"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { type AdapterName, type AgentName, describeWithAgent, findExecutable } from "../support/agents.ts"
import { waitFor, makeWorld, filterEvents } from "../support/mill.ts"
import { setStage, type Stage, timeout, writeSpawns } from "./stage.ts"

const world = makeWorld()

type Adapter = {
  readonly agent: AgentName
  readonly model: string
  /** What the server hears of that model. */
  readonly heard: string
  /** What it reports beside the tokens, if it reports usage. */
  readonly usage: object | undefined
  readonly tool: object
  /** How an error of the server's arrives: as one of the protocol's, or in the adapter's own words. */
  readonly failure: RegExp
}

const bash = "echo $((6 * 7)) is it"

const adapters: Readonly<Record<AdapterName, Adapter>> = {
  "claude-agent-acp": {
    agent: "claude",
    model: "sonnet",
    heard: "claude-sonnet-5-5",
    usage: { costUsd: expect.any(Number) },
    tool: { toolName: "Bash", input: expect.stringContaining(bash) },
    failure: /API Error: 529/,
  },
  // It does not offer the models of another provider.
  "codex-acp": {
    agent: "codex",
    model: "default",
    heard: "fake-model",
    usage: {},
    tool: { toolName: "exec_command", input: expect.stringContaining(bash) },
    failure: /scripted error 529/,
  },
  "pi-acp": {
    agent: "pi",
    model: "fake/fake-model",
    heard: "fake-model",
    usage: undefined,
    tool: { toolName: "execute", input: bash },
    failure: /ended its turn without an answer/,
  },
}

const setAdapter = async (name: AdapterName, agent: AgentName, options: string) => {
  const stage = await setStage(world, agent)
  writeFileSync(
    join(stage.cwd, "mill.config.ts"),
    `import { acpCodec, defineConfig, processDriver } from "@mill/core"
export default defineConfig({
  defaultDriver: "${agent}",
  drivers: {
    ${agent}: processDriver({
      command: ${JSON.stringify(process.execPath)},
      args: [${JSON.stringify(findExecutable(name))}],
      codec: acpCodec(${options}),
    }),
  },
})\n`,
  )
  // pi-acp asks npm for the newest pi before it opens a session, and says so in its first answer.
  writeFileSync(join(dirname(stage.cwd), "bin/npm"), "#!/bin/sh\nexit 1\n", { mode: 0o755 })
  return stage
}

/** What the server has served in all requests. */
const sumServed = async ({ server }: Stage) => {
  const served = (await server.listRequests()).flatMap(({ prompt, usage }) =>
    // After the answer, claude asks what the user may want next. No adapter reports that.
    usage === undefined || prompt.startsWith("[SUGGESTION MODE") ? [] : [usage],
  )
  const sum = (count: "inputTokens" | "outputTokens" | "cacheReadTokens") =>
    served.reduce((total, usage) => total + usage[count], 0)
  return {
    inputTokens: sum("inputTokens"),
    outputTokens: sum("outputTokens"),
    cacheReadTokens: sum("cacheReadTokens"),
  }
}

for (const [name, adapter] of Object.entries(adapters) as ReadonlyArray<[AdapterName, Adapter]>) {
  const { agent, model } = adapter

  describeWithAgent(name, `a real ${agent} behind ${name}`, () => {
    test(
      "answers the prompt as given",
      async () => {
        await using stage = await setAdapter(name, agent, "{}")
        const prompt = "/help me, @README.md [say fine]"
        const program = writeSpawns(world, `${name}.ts`, [{ systemPrompt: "Be brief.", prompt, model }])
        const { events, result } = await stage.run(program, [])
        const [spawn] = result.spawns
        expect(spawn).toMatchObject({
          status: "complete",
          text: "fine",
          stopReason: "end_turn",
          sessionRef: expect.stringMatching(/^[\w-]{8,}$/),
          exitCode: 0,
        })
        if (adapter.usage === undefined) expect(spawn).not.toHaveProperty("usage")
        else expect(spawn?.usage).toMatchObject({ ...adapter.usage, ...(await sumServed(stage)) })
        const request = await stage.server.waitForRequest((one) => one.prompt === `Be brief.\n\n${prompt}`)
        expect(request).toMatchObject({ model: adapter.heard, state: "answered" })
        expect(filterEvents(events, "spawn:complete")).toHaveLength(1)
      },
      timeout,
    )

    test(
      "reports each tool call once, and answers with the last message",
      async () => {
        await using stage = await setAdapter(name, agent, `{ permissions: "allow" }`)
        const prompt = `[tool:bash ${bash}] [tool:bash echo second] [say done]`
        const { events, result } = await stage.run(
          writeSpawns(world, `${name}-tools.ts`, [{ prompt, model }]),
          [],
        )
        expect(result.spawns).toMatchObject([{ status: "complete" }])
        expect(result.spawns[0]?.text).toMatch(
          /^done\nTOOL RESULT 1: [^]*42 is it[^]*TOOL RESULT 2: [^]*second/,
        )
        const calls = filterEvents(events, "spawn:tool_call").map(({ payload }) => payload)
        expect(calls).toMatchObject([adapter.tool, { input: expect.stringContaining("echo second") }])
        expect(calls).toHaveLength(2)
        const { usage } = result.spawns[0] ?? {}
        if (adapter.usage === undefined) expect(usage).toBeUndefined()
        else expect(usage).toMatchObject(await sumServed(stage))
      },
      timeout,
    )

    test(
      "fails when the server responds with 529, even if the adapter reports success",
      async () => {
        await using stage = await setAdapter(name, agent, "{}")
        const program = writeSpawns(world, `${name}-fails.ts`, [{ prompt: "[error 529]", model }])
        const { events } = await stage.run(program, [])
        expect(filterEvents(events, "spawn:error").map(({ payload }) => payload)).toMatchObject([
          { cause: "agent-error", message: expect.stringMatching(adapter.failure) },
        ])
      },
      timeout,
    )

    test(
      "times out",
      async () => {
        await using stage = await setAdapter(name, agent, "{ timeout: 5 }")
        const program = writeSpawns(world, `${name}-hangs.ts`, [{ prompt: "[hang]", model }])
        const { events } = await stage.run(program, [])
        expect(filterEvents(events, "spawn:error").map(({ payload }) => payload)).toMatchObject([
          {
            cause: "timeout",
            message: "the agent did not answer within 5 s",
            result: { sessionRef: expect.any(String) },
          },
        ])
      },
      timeout,
    )

    test(
      "is cancelled together with its tools",
      async () => {
        await using stage = await setAdapter(name, agent, `{ permissions: "allow" }`)
        const prompt = "[tool:bash sleep 1000]"
        const run = await stage.submit(writeSpawns(world, `${name}-cancelled.ts`, [{ prompt, model }]))
        await waitFor(
          "the tool is used",
          () =>
            existsSync(run.paths.eventsFile) &&
            readFileSync(run.paths.eventsFile, "utf8").includes("sleep 1000"),
        )
        expect((await world.mill(["cancel", run.runId])).code).toBe(0)
        const { events } = await stage.finish(run)
        expect(filterEvents(events, "spawn:cancelled")).toHaveLength(1)
      },
      timeout,
    )
  })
}

describeWithAgent("claude-agent-acp", "the permissions of claude behind claude-agent-acp", () => {
  for (const permissions of ["allow", "deny"]) {
    test(
      `are answered: ${permissions}`,
      async () => {
        await using stage = await setAdapter(
          "claude-agent-acp",
          "claude",
          `{ permissions: "${permissions}" }`,
        )
        const prompt = "[tool:bash touch written.txt]"
        const program = writeSpawns(world, "permissions.ts", [{ prompt, model: "default" }])
        const { events, result } = await stage.run(program, [])
        expect(result.spawns).toMatchObject([{ status: "complete" }])
        expect(existsSync(join(stage.cwd, "written.txt"))).toBe(permissions === "allow")
        expect(filterEvents(events, "spawn:milestone").map(({ payload }) => payload.message)).toEqual([
          `permission ${permissions === "allow" ? "granted" : "denied"}: touch written.txt`,
        ])
      },
      timeout,
    )
  }

  test(
    "refuses a model that it does not offer, and lists its models",
    async () => {
      await using stage = await setAdapter("claude-agent-acp", "claude", "{}")
      const program = writeSpawns(world, "model.ts", [{ prompt: "hi", model: "gpt-6-sol" }])
      const { events } = await stage.run(program, [])
      expect(filterEvents(events, "spawn:error").map(({ payload }) => payload)).toMatchObject([
        { cause: "codec", message: expect.stringMatching(/has no model "gpt-6-sol"; available: .*sonnet/) },
      ])
    },
    timeout,
  )
})
