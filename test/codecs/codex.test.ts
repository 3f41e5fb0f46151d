import { describe, expect, test } from "bun:test"
import { codexCodec } from "../../src/codecs/codex.codec.ts"
import { encoded, refusal, spawnInput } from "./calls.ts"
import { decodeLines, exited } from "./recorded.ts"

describe("codex decodes", () => {
  const line = (type: string, fields: object = {}) => JSON.stringify({ type, ...fields })
  const item = (phase: "started" | "completed", fields: object) => line(`item.${phase}`, { item: fields })
  const said = item("completed", { id: "item_9", type: "agent_message", text: "done" })
  const done = line("turn.completed", { usage: { input_tokens: 1, output_tokens: 1 } })
  const toolsOf = (...lines: ReadonlyArray<string>) =>
    decodeLines(codexCodec(), lines).events.flatMap((event) =>
      event._tag === "ToolCall" ? [[event.toolName, event.input]] : [],
    )

  test("a tool is reported once, whether it starts or only ends", () => {
    const mcp = { type: "mcp_tool_call", server: "files", tool: "read", arguments: { path: "/x" } }
    expect(
      toolsOf(
        item("started", { id: "1", ...mcp }),
        item("completed", { id: "1", ...mcp }),
        item("completed", { id: "2", type: "file_change", changes: [] }),
        item("started", { id: "3", type: "web_search", query: "" }),
        item("completed", { id: "3", type: "web_search", query: "effect" }),
        item("started", { id: "4", type: "collab_tool_call", tool: "spawn_agent", prompt: "go" }),
        item("completed", { id: "5", type: "todo_list", items: [] }),
      ),
    ).toEqual([
      ["mcp__files__read", '{"path":"/x"}'],
      ["file_change", "[]"],
      ["web_search", "effect"],
      ["spawn_agent", "go"],
    ])
  })
  test("an error that codex overcomes is not an error", () => {
    const { outcome } = decodeLines(codexCodec(), [
      line("error", { message: "Reconnecting... 1/4" }),
      said,
      done,
    ])
    expect(outcome).toEqual({
      final: true,
      text: "done",
      usage: { inputTokens: 1, outputTokens: 1 },
      usageOfSession: true,
    })
  })
  test("an error without an end is reported, unless a signal killed codex", () => {
    const error = line("error", { message: "no disk" })
    const end = (exit: { code?: number; signal?: string }) =>
      decodeLines(codexCodec(), [error], { ...exit, overlongLines: 0 }).outcome
    expect(end({ code: 1 })).toEqual({ final: false, text: "", errorMessage: "no disk" })
    expect(end({ signal: "SIGTERM" })).toEqual({ final: false, text: "" })
  })
  test("a line after an error or an end revokes it", () => {
    const end = (...lines: ReadonlyArray<string>) =>
      decodeLines(codexCodec(), lines, { code: 1, overlongLines: 0 }).outcome
    expect(end(line("error", { message: "Reconnecting... 1/4" }), said)).toEqual({
      final: false,
      text: "done",
    })
    expect(end(said, done, line("turn.started"))).toEqual({ final: false, text: "done" })
  })
  test("a turn that fails without a message has failed", () => {
    expect(decodeLines(codexCodec(), [said, line("turn.failed")]).outcome.errorMessage).toBeString()
    expect(
      decodeLines(codexCodec(), [line("turn.failed", { error: { message: "" } })]).outcome.errorMessage,
    ).not.toBe("")
  })
  test("a turn whose tokens were not counted has no usage", () => {
    const usage = { input_tokens: 0, cached_input_tokens: 0, output_tokens: 0 }
    const { outcome } = decodeLines(codexCodec(), [said, line("turn.completed", { usage })])
    expect(outcome).toEqual({ final: true, text: "done" })
  })
  test("a message without an id is an answer", () => {
    const spoken = item("completed", { type: "agent_message", text: "said" })
    expect(decodeLines(codexCodec(), [spoken, done]).outcome).toMatchObject({ final: true, text: "said" })
  })
  test("invalid usage is unknown, and the turn has still ended", () => {
    const { outcome } = decodeLines(codexCodec(), [
      said,
      line("turn.completed", { usage: { input_tokens: "1" } }),
    ])
    expect(outcome).toEqual({ final: true, text: "done" })
  })
  test("a dropped line may have been the answer, unless it was the end of a tool", () => {
    const dropped = (count: number, ...lines: ReadonlyArray<string>) =>
      decodeLines(codexCodec(), [...lines, done], { ...exited, overlongLines: count }).outcome.errorMessage
    const running = item("started", { id: "1", type: "command_execution", command: "cat big" })
    expect(dropped(1, running, said)).toBeUndefined()
    expect(dropped(2, running, said)).toMatch(/^mill dropped 2 line/)
    expect(dropped(1, said)).toMatch(/maxLineBytes/)
  })
})

describe("codex encodes", () => {
  const file = "/scratch/spawn_1/system-prompt.txt"

  test("the subcommand first, the prompt on stdin, the system prompt beside codex's own", () => {
    expect(encoded(codexCodec(), { model: "-x" })).toEqual({
      args: [
        "exec",
        "--json",
        "--skip-git-repo-check",
        "--model=-x",
        "-c",
        'developer_instructions="You are careful."',
        "-",
      ],
      stdin: spawnInput.prompt,
    })
  })
  test("options", () => {
    const codec = codexCodec({
      systemPrompt: "replace",
      sandbox: "workspace-write",
      execArgs: ["--ephemeral"],
    })
    const { args, files } = encoded(codec)
    expect(args.slice(3)).toEqual([
      "--model=some-model",
      "--sandbox=workspace-write",
      "-c",
      `model_instructions_file="${file}"`,
      "--ephemeral",
      "-",
    ])
    expect(files).toEqual({ [file]: spawnInput.systemPrompt })
  })
  test("a system prompt as a string of TOML", () => {
    const { args } = encoded(codexCodec(), { systemPrompt: 'a "b" \\ \n\0\u007f = # [x]' })
    expect(args).toContain('developer_instructions="a \\"b\\" \\\\ \\n\\u0000\\u007f = # [x]"')
  })
  test("a system prompt too long for an argument is refused with a hint", () => {
    const most = 131_071 - 'developer_instructions=""'.length
    expect(encoded(codexCodec(), { systemPrompt: "x".repeat(most) }).args).toHaveLength(7)
    const long = { systemPrompt: "x".repeat(most + 1) }
    expect(refusal(codexCodec(), long)).toMatch(
      /^systemPrompt: too long .*\(131072 bytes.*systemPrompt: "replace"/,
    )
    expect(encoded(codexCodec({ systemPrompt: "replace" }), long).files).toEqual({
      [file]: long.systemPrompt,
    })
  })
  test("blank prompts are refused", () => {
    expect(refusal(codexCodec(), { prompt: "\t" })).toMatch(/^prompt: must not be blank/)
    expect(refusal(codexCodec({ systemPrompt: "replace" }), { systemPrompt: " " })).toMatch(/^systemPrompt: /)
  })
})
