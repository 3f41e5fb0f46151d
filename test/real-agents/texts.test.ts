import { expect, test } from "bun:test"
import { type AgentName, describeWithAgent } from "../support/agents.ts"
import { makeWorld } from "../support/mill.ts"
import { agentNames, heardModel, modelOf, setStage, timeout, writeDriver, writeSpawns } from "./stage.ts"

const world = makeWorld()

/** Texts that must reach the model as they are, as prompt and as system prompt. */
const texts: ReadonlyArray<string> = [
  "-",
  "--version",
  "-p --dangerously-skip-permissions",
  "/help me with this",
  "/clear",
  "!ls",
  "#note",
  "@notes.md",
  [
    `"double" 'single' \`back\` \\ $(id) $HOME \${y} %s {prompt} {{x}} <b>&amp;</b> </prompt> """ '''`,
    "\tindented\r\n\n👩‍💻🚀 漢字 e\u0301 ünïcödé",
    "separators \u2028 \u2029 \u0085 controls \u001b[31m \u007f \u0007 .",
  ].join("\n"),
]

const mebibyte = `[say fine] ${"0123456789abcde\n".repeat(65_536)}`.slice(0, 1_048_575) + "."

/** Drivers with options, by the name that says what comes of them. */
const withOptions: Record<AgentName, Record<"appending" | "replacing", string>> = {
  claude: {
    replacing: 'claudeCodec({ tools: ["Read"] })',
    appending: 'claudeCodec({ systemPrompt: "append", tools: [], permissionMode: "plan" })',
  },
  codex: {
    replacing: 'codexCodec({ systemPrompt: "replace", execArgs: ["--ephemeral"] })',
    appending: 'codexCodec({ sandbox: "workspace-write" })',
  },
  pi: {
    replacing: 'piCodec({ tools: ["read"] })',
    appending: 'piCodec({ systemPrompt: "append", tools: [] })',
  },
}

/** Something of the agent's own system prompt. */
const ownWords = {
  claude: "You are Claude Code",
  codex: "running in the Codex CLI",
  pi: "inside pi, a coding agent harness",
}

const expectedTools: Record<AgentName, Record<string, Array<string>> | undefined> = {
  claude: { replacing: ["Read"], appending: [] },
  codex: undefined,
  pi: { replacing: ["read"], appending: [] },
}

for (const name of agentNames) {
  const model = modelOf[name]

  describeWithAgent(name, `what the model hears through ${name}`, () => {
    test(
      "is every text unchanged",
      async () => {
        await using stage = await setStage(world, name)
        const spawns = texts.map((text) => ({ systemPrompt: text, prompt: text, model }))
        const { result } = await stage.run(writeSpawns(world, `texts-${name}.ts`, spawns))
        expect(result.spawns.map(({ text }) => text)).toEqual(texts.map((text) => `ECHO: ${text}`))
        const requests = await stage.server.listRequests()
        expect(requests.map(({ prompt }) => prompt).toSorted()).toEqual(texts.toSorted())
        for (const { prompt, system } of requests) expect(system).toContain(prompt)
        expect(new Set(requests.map((request) => request.model))).toEqual(new Set([heardModel(model)]))
      },
      timeout,
    )

    test(
      "is a whole prompt of one mebibyte",
      async () => {
        await using stage = await setStage(world, name)
        const program = writeSpawns(world, `mebibyte-${name}.ts`, [{ prompt: mebibyte, model }])
        const { result } = await stage.run(program)
        expect(result.spawns).toMatchObject([{ status: "complete", text: "fine" }])
        const requests = await stage.server.listRequests()
        expect(requests.map(({ prompt }) => prompt.length)).toEqual([mebibyte.length])
        // Not toBe, whose message would be two mebibytes long.
        expect(requests[0]?.prompt === mebibyte).toBe(true)
      },
      timeout,
    )

    for (const [what, codec] of Object.entries(withOptions[name])) {
      test(
        `is the system prompt, ${what} the agent's own`,
        async () => {
          await using stage = await setStage(world, name)
          writeDriver(stage, name, codec)
          const program = writeSpawns(world, `options-${name}.ts`, [
            { systemPrompt: "MY OWN WORDS", prompt: "p", model },
          ])
          const { result } = await stage.run(program, [])
          expect(result.spawns).toMatchObject([{ status: "complete", text: "ECHO: p", driver: "mine" }])
          const requests = await stage.server.listRequests()
          expect(requests).toHaveLength(1)
          const { system = "", tools = [] } = requests[0] ?? {}
          expect(system).toContain("MY OWN WORDS")
          expect(system.includes(ownWords[name])).toBe(what === "appending")
          const expected = expectedTools[name]?.[what]
          // claude's stand-in for tools that it would load later.
          const real = tools.filter((tool) => tool !== "DeferredToolPlaceholder")
          if (expected !== undefined) expect(real).toEqual(expected)
        },
        timeout,
      )
    }
  })
}
