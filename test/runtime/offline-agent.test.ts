import { describe, expect, test } from "bun:test"
import { join } from "node:path"
import { Effect, Fiber, Layer, ManagedRuntime, PlatformError, Sink, Stdio, Stream } from "effect"
import { TestClock } from "effect/testing"
import { jsonlCodec } from "../../src/codecs/jsonl.codec.ts"
import type { SpawnOptions } from "../../src/domain/spawn.schema.ts"
import { offlineAgent } from "../../src/runtime/offline-agent.effect.ts"
import { encoded, spawnInput } from "../codecs/calls.ts"
import { decodeLines, linesOf } from "../codecs/recorded.ts"

/** Encodes a spawn for the agent, with the codec of mill's driver. */
const encodeRequest = (fields: Partial<SpawnOptions>) => encoded(jsonlCodec(), fields).stdin ?? ""

const capture = () => {
  const chunks: Array<string> = []
  const decoder = new TextDecoder()
  const sink = () =>
    Sink.forEach((chunk: string | Uint8Array) =>
      Effect.sync(() => {
        chunks.push(typeof chunk === "string" ? chunk : decoder.decode(chunk))
      }),
    )
  return { sink, text: () => chunks.join("") }
}

const runOn = async <A, E>(
  input: string,
  program: (agent: typeof offlineAgent, stdout: () => string) => Effect.Effect<A, E, Stdio.Stdio>,
) => {
  const [out, err] = [capture(), capture()]
  const stdio = Stdio.layerTest({
    stdin: Stream.make(...[...new TextEncoder().encode(input)].map((byte) => Uint8Array.of(byte))),
    stdout: out.sink,
    stderr: err.sink,
  })
  const runtime = ManagedRuntime.make(Layer.merge(stdio, TestClock.layer()))
  const value = await runtime.runPromise(program(offlineAgent, out.text))
  await runtime.dispose()
  return { value, stdout: out.text(), stderr: err.text() }
}

/** Runs the agent to its end and decodes what it printed. */
const ask = async (prompt: string, fields: Partial<SpawnOptions> = {}) => {
  const { stderr, stdout, value: code } = await runOn(encodeRequest({ ...fields, prompt }), (agent) => agent)
  const { events, outcome } = decodeLines(jsonlCodec(), linesOf(stdout), { code, overlongLines: 0 })
  const reported = events.flatMap((event) => (event._tag === "Session" ? [] : [event]))
  return { code, stdout, stderr, reported, ...outcome }
}

describe("the offline agent", () => {
  test("answers with its name, the model and the task", async () => {
    const { code, final, stopReason, text, reported, usage } = await ask(
      "Review src/auth,\nand [summarize] it.",
      {
        agent: "scout",
        model: "openai/gpt-6",
        systemPrompt: "12345678",
      },
    )
    expect(text).toBe(
      'This is scout, rehearsing offline: openai/gpt-6 was not called. Task: "Review src/auth, and [summarize] it."',
    )
    expect({ code, final, stopReason, reported }).toEqual({
      code: 0,
      final: true,
      stopReason: "stop",
      reported: [],
    })
    expect(usage).toEqual({ inputTokens: 11, outputTokens: Math.ceil(text.length / 4), costUsd: 0 })
  })
  test("quotes only the beginning of a long task, in whole characters", async () => {
    const { text } = await ask("🚀".repeat(200))
    expect(text).toEndWith(`"${"🚀".repeat(79)}…"`)
    expect(text.isWellFormed()).toBe(true)
  })
  test("gives the same answer to the same request, and another session to another request", async () => {
    const first = await ask("one")
    expect(await ask("one")).toEqual(first)
    expect(first.sessionRef).toMatch(/^offline-[0-9a-f]{16}$/)
    for (const other of [
      await ask("two"),
      await ask("one", { model: "m2" }),
      await ask("one", { agent: "b" }),
    ]) {
      expect(other.sessionRef).not.toBe(first.sessionRef)
    }
  })
  test("answers with the text or JSON of a directive", async () => {
    expect((await ask("[say one] and [say [two\\]] \\]]\n[say]")).text).toBe("one\n[two]] ]\n")
    expect((await ask("[say]")).text).toBe("")
    expect((await ask('[json {"a": [1, {"b": "]["}]}]')).text).toBe('{"a": [1, {"b": "]["}]}')
  })
  test("reports tool calls and milestones in order", async () => {
    const { reported } = await ask(
      '[milestone half way][tool bash {"command":"ls"}] [tool think about it][tool stop]',
    )
    expect(reported).toMatchObject([
      { _tag: "Milestone", message: "half way" },
      { _tag: "ToolCall", toolName: "bash", input: '{"command":"ls"}' },
      { _tag: "ToolCall", toolName: "think", input: "about it" },
      { _tag: "ToolCall", toolName: "stop" },
    ])
  })
  test("reports an error and exits with 0", async () => {
    const { code, errorMessage, final, text } = await ask("[say so far][fail out of luck][say never]")
    expect({ code, errorMessage, final, text }).toEqual({
      code: 0,
      errorMessage: "out of luck",
      final: true,
      text: "so far",
    })
  })
  test("exits with a given code, after an answer or an error", async () => {
    expect(await ask("[exit 3][say done]")).toMatchObject({ code: 3, final: true, text: "done" })
    expect(await ask("[fail no][exit 4]")).toMatchObject({ code: 4, final: true, errorMessage: "no" })
  })
  test("crashes without an answer", async () => {
    expect(await ask("[say so far][crash]")).toMatchObject({ code: 137, final: false, text: "so far" })
  })
  test("prints noise, and as many bytes to standard error as asked", async () => {
    const { stderr, stdout, text } = await ask("[noise 2503][stderr 123457][say done]")
    expect(linesOf(stdout)).toHaveLength(2503 + 3)
    expect(stderr).toHaveLength(123_457)
    expect(text).toBe("done")
  })
  test("waits", async () => {
    const { stdout } = await runOn(
      encodeRequest({ prompt: "[say one][sleep 3600][say two]" }),
      (agent, printed) =>
        Effect.gen(function* () {
          const fiber = yield* Effect.forkChild(agent)
          yield* TestClock.adjust("3599 seconds")
          expect(fiber.pollUnsafe()).toBeUndefined()
          expect(printed()).toContain('"one"')
          expect(printed()).not.toContain("two")
          yield* TestClock.adjust("1 second")
          expect(yield* Fiber.join(fiber)).toBe(0)
        }),
    )
    expect(stdout).toContain("two")
  })
  test("hangs", async () => {
    const { stdout } = await runOn(encodeRequest({ prompt: "[hang][say never]" }), (agent) =>
      Effect.gen(function* () {
        const fiber = yield* Effect.forkChild(agent)
        yield* TestClock.adjust("100 days")
        expect(fiber.pollUnsafe()).toBeUndefined()
        yield* Fiber.interrupt(fiber)
      }),
    )
    expect(linesOf(stdout)).toHaveLength(1)
  })
  test("treats other brackets, and directives with invalid arguments, as text", async () => {
    const prompt =
      "[hang on] [crash report] [exit 256] [exit -1] [sleep long] [noise 1.5] [json {] [tool] [sayings] [say-so] [fail"
    const { code, final, text, reported } = await ask(prompt)
    expect({ code, final, reported }).toEqual({ code: 0, final: true, reported: [] })
    expect(text).toContain('Task: "[hang on] [crash report] [exit 256] [exit -1]')
  })
  test("does not repeat directives in its answer, which may become part of another prompt", async () => {
    const { text } = await ask("before [sleep 0] between [exit 0] after")
    expect(text).toEndWith('Task: "before between after"')
    expect((await ask("[milestone m]")).text).toEndWith("There was no task.")
  })
  test("handles a prompt full of brackets", async () => {
    for (const prompt of [
      "[".repeat(300_000),
      `${"[".repeat(150_000)}${"]".repeat(150_000)}`,
      "[]".repeat(150_000),
    ]) {
      expect((await ask(prompt)).final).toBe(true)
    }
  })
  test("refuses an invalid request", async () => {
    for (const input of [
      "",
      "hello\n",
      "{}\n",
      `${JSON.stringify({ ...spawnInput, type: "spawn", prompt: "" })}\n`,
    ]) {
      const { stderr, stdout, value } = await runOn(input, (agent) => agent)
      expect({ stdout, value }).toEqual({ stdout: "", value: 2 })
      expect(stderr).toMatch(/one line of JSON, on standard input\n$/)
    }
  })
  test("ends when its output cannot be written", async () => {
    const gone = PlatformError.systemError({ _tag: "Unknown", module: "Stdio", method: "stdout" })
    const stdio = Stdio.layerTest({
      stdin: Stream.succeed(new TextEncoder().encode(encodeRequest({}))),
      stdout: () => Sink.fail(gone),
    })
    const runtime = ManagedRuntime.make(stdio)
    expect(await runtime.runPromise(offlineAgent)).toBe(1)
    await runtime.dispose()
  })
})

describe("the offline agent as a process", () => {
  const run = async (input: string) => {
    const mill = join(import.meta.dir, "../../src/bin/mill.ts")
    const child = Bun.spawn([process.execPath, mill, "_offline-agent"], {
      stdin: new Blob([input]),
      stdout: "pipe",
      stderr: "pipe",
    })
    const [stdout, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
    return { stdout, stderr, code }
  }
  test("answers on standard output, and with its exit code", async () => {
    const { code, stderr, stdout } = await run(
      encodeRequest({ prompt: "[stderr 200000][noise 20000][say done][exit 7]" }),
    )
    expect(stderr).toHaveLength(200_000)
    expect(code).toBe(7)
    expect(decodeLines(jsonlCodec(), linesOf(stdout)).outcome).toMatchObject({ final: true, text: "done" })
  })
  test("takes a prompt of a megabyte", async () => {
    const { code, stdout } = await run(encodeRequest({ prompt: `[say done] ${"x\u2028".repeat(500_000)}` }))
    expect(code).toBe(0)
    expect(decodeLines(jsonlCodec(), linesOf(stdout)).outcome.text).toBe("done")
  })
})
