/** Agents of the Agent Client Protocol: a scripted one, which misbehaves on request. Real ones are in test/real-agents. */
import { describe, expect, test } from "bun:test"
import { existsSync, readFileSync } from "node:fs"
import { waitFor, makeWorld, filterEvents, findProcesses, repository, writeScript } from "../support/mill.ts"

const world = makeWorld()

/** A driver for each of these behaviours, with these options for its codec. */
const writeDriver = (behaviour: string, options = "{}", more = "") => {
  const name = `agent-${behaviour.replace(/\W+/g, "-")}`
  const script = `${repository}/test/support/acp-agent.main.ts`
  world.write(
    "mill.config.ts",
    `import { acpCodec, defineConfig, processDriver } from "@mill/core"
export default defineConfig({ defaultDriver: ${JSON.stringify(name)}, cancelGrace: 1, drivers: {
  ${JSON.stringify(name)}: processDriver({
    command: ${JSON.stringify(process.execPath)},
    args: [${JSON.stringify(script)}, ...${JSON.stringify(behaviour.split(" ").filter((word) => word !== ""))}],
    codec: acpCodec(${options}), ${more} }) } })\n`,
  )
  return name
}

const program = (model = "default") =>
  world.write(
    "program.ts",
    `export default await mill
  .spawn({ agent: "a", systemPrompt: "Be brief.", prompt: "Hello?\\n/help", model: ${JSON.stringify(model)} })
  .catch(({ cause, message, result }) => ({ cause, message, ...result }))`,
  )

/** Runs one spawn with such an agent; returns the answer of the program and the events of the spawn. */
const spawn = async (behaviour: string, options?: string, model?: string, more?: string) => {
  writeDriver(behaviour, options, more)
  const { events, record, result } = await world.run(program(model))
  await waitFor("the agent to exit", () => findProcesses(`MILL_RUN_ID=${record.id}`).length === 0)
  return {
    result: result.programResult as Record<string, unknown>,
    tools: filterEvents(events, "spawn:tool_call").map(({ payload: { input, toolName } }) => ({
      toolName,
      input,
    })),
    milestones: filterEvents(events, "spawn:milestone").map(({ payload }) => payload.message),
    terminals: events.map(({ type }) => type).filter((type) => /spawn:(complete|error|cancelled)/.test(type)),
  }
}

describe("an agent that speaks the Agent Client Protocol", () => {
  test("gets the system prompt before the prompt, and its answer is the result", async () => {
    const { milestones, result, terminals, tools } = await spawn("usage")
    expect(result).toMatchObject({
      text: "You said: Be brief.\n\nHello?\n/help",
      sessionRef: "acp-1",
      stopReason: "end_turn",
      exitCode: 0,
      usage: { inputTokens: 10, outputTokens: 2, cacheReadTokens: 3, costUsd: 0.5 },
    })
    expect({ milestones, terminals, tools }).toEqual({
      milestones: [],
      terminals: ["spawn:complete"],
      tools: [],
    })
  })

  test("may print other lines, and report no usage", async () => {
    const { result, terminals } = await spawn("garbage")
    expect(result["text"]).toStartWith("You said")
    expect(result).not.toHaveProperty("usage")
    expect(terminals).toEqual(["spawn:complete"])
  })

  for (const [options, answer, milestone] of [
    ["{}", "id-reject_once", "permission denied: rm -rf /"],
    [`{ permissions: "allow" }`, "id-allow_once", "permission granted: rm -rf /"],
    [`{ permissions: "allow-always" }`, "id-allow_always", "permission granted: rm -rf /"],
  ] as const) {
    test(`gets ${answer} with ${options} when it asks for permission`, async () => {
      const { milestones, result, tools } = await spawn("ask", options)
      expect(result["text"]).toStartWith(`permission: ${answer}. You said`)
      expect(milestones).toEqual([milestone])
      expect(tools).toEqual([{ toolName: "execute", input: '{"cmd":"rm"}' }])
    })
  }

  test("gets no permission if its options grant more than the configuration", async () => {
    const { milestones, result } = await spawn("ask-oddly", `{ permissions: "allow" }`)
    expect(result["text"]).toStartWith("permission: cancelled. ")
    expect(milestones).toEqual(["permission denied: rm -rf /"])
  })

  test("may ask for permission often; the first hundred requests are logged", async () => {
    const { milestones, result } = await spawn("ask-often:130")
    expect(result["text"]).toStartWith("You said")
    expect(milestones).toHaveLength(101)
    expect(milestones.at(-1)).toBe("permission requests not shown: 30")
  })

  test("has each tool call logged once, even if unannounced, and its plan", async () => {
    const { milestones, tools } = await spawn("orphan-update plan")
    expect(tools).toEqual([{ toolName: "read", input: "notes.md" }])
    expect(milestones).toEqual(["plan (0 of 1 done): think"])
  })

  test("may give a long answer", async () => {
    const { result } = await spawn("chunks:50000")
    const text = Array.from({ length: 50_000 }, (_, n) => `${n} `).join("")
    expect(result["text"]).toBe(`${text}You said: Be brief.\n\nHello?\n/help`)
  })

  test("that does not exit after its answer is ended, and the spawn is complete", async () => {
    for (const behaviour of ["linger", "stubborn"])
      expect((await spawn(behaviour)).result).toMatchObject({ stopReason: "end_turn", exitCode: 0 })
  })
})

describe("the model of an ACP agent", () => {
  const readModelRequest = async (behaviour: string, model: string) => {
    const { result } = await spawn(`${behaviour} crash:1`, "{}", model)
    return String(result["stderr"]).match(/.*session\/set_.*/)?.[0]
  }
  test("is chosen by id or by name from those that the agent offers", async () => {
    const chosen = {
      method: "session/set_config_option",
      sessionId: "acp-1",
      configId: "model",
      value: "small-1",
    }
    for (const model of ["small-1", "Small"])
      expect(JSON.parse((await readModelRequest("models", model)) ?? "")).toEqual(chosen)
    expect(JSON.parse((await readModelRequest("old-models", "Small")) ?? "")).toEqual({
      method: "session/set_model",
      sessionId: "acp-1",
      modelId: "small-1",
    })
  })
  test("is the agent's default if the program names default", async () => {
    for (const behaviour of ["models", ""])
      expect(await readModelRequest(behaviour, "default")).toBeUndefined()
  })
  test("is refused if the agent does not offer it", async () => {
    expect((await spawn("models", "{}", "huge")).result).toMatchObject({
      cause: "codec",
      message: 'model: the agent has no model "huge"; available: big-1, small-1',
    })
    expect((await spawn("", "{}", "huge")).result).toMatchObject({
      cause: "codec",
      message: expect.stringContaining("mill cannot select a model for this agent"),
    })
  })
})

describe("an ACP agent fails its spawn", () => {
  const cases: ReadonlyArray<readonly [string, string, object]> = [
    [
      "that prints nothing",
      "mute",
      { cause: "timeout", message: "the agent did not open a session within 1 s" },
    ],
    [
      "never answers",
      "hang",
      {
        cause: "timeout",
        message: "the agent did not answer within 1 s",
        text: "I begin",
        sessionRef: "acp-1",
      },
    ],
    [
      "speaks another version",
      "old-version",
      { cause: "codec", message: expect.stringContaining("version 0") },
    ],
    [
      "that needs a login",
      "no-auth",
      {
        cause: "agent-error",
        message: expect.stringMatching(/Authentication required; log in .*authMethod to one of: key/),
      },
    ],
    [
      "that floods mill with requests and reads no answer",
      "flood",
      {
        cause: "agent-error",
        message: "the agent keeps sending requests without reading the responses",
      },
    ],
    ["opens no session", "no-session", { cause: "agent-error", message: "no room", exitCode: 0 }],
    [
      "with an error of its model",
      "chunks:3 fail",
      { cause: "agent-error", message: "Internal error: 529 overloaded", text: "0 1 2 ", exitCode: 0 },
    ],
    [
      "that crashes during its turn",
      "chunks:3 crash:7",
      { cause: "exit", exitCode: 7, text: "0 1 2 ", sessionRef: "acp-1" },
    ],
    [
      "that exits during its turn",
      "crash:0",
      { cause: "codec", message: expect.stringContaining("without a final answer") },
    ],
    ["crashes after its answer", "exit:3", { cause: "exit", exitCode: 3, stopReason: "end_turn" }],
    [
      "that gives no answer",
      "silent",
      { cause: "agent-error", message: "the agent ended its turn without an answer" },
    ],
    [
      "refuses",
      "stop:refusal",
      { cause: "agent-error", message: "the agent refused to answer", stopReason: "refusal" },
    ],
  ]
  for (const [title, behaviour, expected] of cases) {
    test(
      title,
      async () => {
        const options = /mute|hang/.test(behaviour) ? "{ timeout: 1, handshakeTimeout: 1 }" : "{}"
        const { result, terminals } = await spawn(behaviour, options)
        expect(result).toMatchObject(expected)
        expect(terminals).toEqual(["spawn:error"])
      },
      120_000,
    )
  }

  test("that closes its output and keeps running", async () => {
    const script = writeScript(
      world,
      "closing.sh",
      `read -r line; echo '{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":1}}'
read -r line; echo '{"jsonrpc":"2.0","id":1,"result":{"sessionId":"sh-1"}}'
read -r line; exec >&-; sleep 1000`,
    )
    const { result } = await spawn("", "{}", "default", `command: ${JSON.stringify(script)}`)
    expect(result).toMatchObject({
      cause: "codec",
      message: "the agent closed its standard output before answering",
      sessionRef: "sh-1",
    })
  })

  test("an answer that is cut off at the token limit completes", async () => {
    expect((await spawn("stop:max_tokens")).result).toMatchObject({ stopReason: "max_tokens", exitCode: 0 })
  })
})

describe("cancelling a run with an ACP agent", () => {
  for (const behaviour of ["hang", "cancel-late", "stubborn hang"]) {
    test(`cancels its turn, and ends it: ${behaviour}`, async () => {
      const log = `${world.dir}/${behaviour.replace(" ", "-")}.log`
      writeDriver(`log:${log} ${behaviour}`)
      const { stdout } = await world.mill(["run", "--json", program()])
      const { runId } = JSON.parse(stdout)
      await waitFor(
        "the agent to receive the prompt",
        () => existsSync(log) && readFileSync(log, "utf8").includes("/prompt"),
      )
      expect((await world.mill(["cancel", runId])).code).toBe(0)
      expect(findProcesses(`MILL_RUN_ID=${runId}`)).toEqual([])
      expect(filterEvents(world.readEvents(runId), "spawn:cancelled")).toMatchObject([
        { payload: { result: { sessionRef: "acp-1" } } },
      ])
      const received = readFileSync(log, "utf8")
      expect(received).toContain('{"method":"session/cancel","sessionId":"acp-1"}')
      if (behaviour.startsWith("stubborn")) expect(received).toContain("SIGTERM")
    }, 120_000)
  }
})

test("invalid options are refused before anything starts", async () => {
  const name = writeDriver("", `{ permissions: "yes" } as any`)
  const { code, stderr } = await world.mill(["run", program()])
  expect(code).toBe(2)
  expect(stderr).toContain(`drivers.${name}.codec: acpCodec: permissions is "yes"`)
})

test("the plan has the codec's options", async () => {
  writeDriver("", `{ permissions: "allow", timeout: 5 }`)
  const { stdout } = await world.mill(["run", "--dry-run", "--json", program()])
  expect(JSON.parse(stdout)).toMatchObject({
    driver: { codec: "acp", codecOptions: { permissions: "allow", timeout: 5 }, models: [] },
  })
})
