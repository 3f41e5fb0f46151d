/** The test kit, as a user's own tests use it. */
import { afterAll, describe, expect, test } from "bun:test"
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { crash, createTestMill, exit, hang, type TestMillOptions } from "@mill/core/testing"
import { waitFor, filterEvents, findProcesses, repository } from "../support/mill.ts"

const timeout = 120_000
const folder = mkdtempSync(join(tmpdir(), "mill-kit-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const asking = (agents: ReadonlyArray<string>) => `
const ask = (agent) =>
  mill.spawn({ agent, systemPrompt: "s", prompt: "for " + agent, model: "m" })
    .then(({ text }) => text, ({ cause, message, result }) => ({ cause, message, exitCode: result?.exitCode }))
export default { args: mill.args, facts: mill.run.metadata, answers: await Promise.all(${JSON.stringify(agents)}.map(ask)) }
`
const kitWith = (agents: TestMillOptions["agents"]) => createTestMill({ agents })

describe("an agent of a test", () => {
  test(
    "is a function of the spawn, or an answer",
    async () => {
      await using kit = await kitWith({
        scout: async ({ agent, model, prompt, systemPrompt }) =>
          [agent, model, prompt, systemPrompt].join(", "),
        planner: "always this",
        worker: () => ({
          text: "done",
          stopReason: "tired",
          sessionRef: "s-1",
          usage: { inputTokens: 3, outputTokens: 4, costUsd: 0.5 },
          milestones: ["halfway"],
          toolCalls: [{ toolName: "read", input: { path: "a" } }, { toolName: "stop" }],
        }),
      })
      const { events, record, result, spawns } = await kit.run(
        { source: asking(["scout", "planner", "worker"]) },
        { args: ["one", "two"], metadata: { ticket: "7" } },
      )
      expect(result.programResult).toEqual({
        args: ["one", "two"],
        facts: { ticket: "7" },
        answers: ["scout, m, for scout, s", "always this", "done"],
      })
      expect(record).toMatchObject({ status: "complete", metadata: { ticket: "7" }, driver: "test" })
      expect(spawns.map(({ agent }) => agent).toSorted()).toEqual(["planner", "scout", "worker"])
      const worker = spawns.find(({ agent }) => agent === "worker")
      expect(worker).toMatchObject({
        text: "done",
        stopReason: "tired",
        sessionRef: "s-1",
        usage: { inputTokens: 3, outputTokens: 4, costUsd: 0.5 },
        input: { agent: "worker", systemPrompt: "s", prompt: "for worker", model: "m" },
        status: "complete",
      })
      expect(filterEvents(events, "spawn:milestone").map(({ payload }) => payload.message)).toEqual([
        "halfway",
      ])
      expect(
        filterEvents(events, "spawn:tool_call").map(({ payload }) => [payload.toolName, payload.input]),
      ).toEqual([
        ["read", '{"path":"a"}'],
        ["stop", undefined],
      ])
      expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => index + 1))
    },
    timeout,
  )

  test(
    "can fail in every way that a real agent can",
    async () => {
      const circular: Record<string, unknown> = {}
      circular["self"] = circular
      const wrong = (() => ({ txt: "no" })) as never
      await using kit = await kitWith({
        thrower: () => {
          throw new Error("no luck")
        },
        rejecter: async () => Promise.reject(new Error("no luck, later")),
        teller: { errorMessage: "overloaded" },
        leaver: exit(3),
        lateLeaver: exit(4, "an answer all the same"),
        silent: exit(0),
        crasher: crash(),
        wrong,
        circular: { toolCalls: [{ toolName: "read" }, { toolName: "look", input: { at: circular } }] },
        unreadable: Object.defineProperty({}, "text", {
          enumerable: true,
          get: () => {
            throw new Error("no text")
          },
        }),
      })
      const names = [
        "thrower",
        "rejecter",
        "teller",
        "leaver",
        "lateLeaver",
        "silent",
        "crasher",
        "wrong",
        "circular",
        "unreadable",
        "x",
      ]
      const { events, result } = await kit.run({ source: asking(names) })
      expect(Object(result.programResult).answers).toEqual([
        { cause: "agent-error", message: "no luck", exitCode: 0 },
        { cause: "agent-error", message: "no luck, later", exitCode: 0 },
        { cause: "agent-error", message: "overloaded", exitCode: 0 },
        { cause: "exit", message: "test exited with code 3", exitCode: 3 },
        { cause: "exit", message: "test exited with code 4", exitCode: 4 },
        { cause: "codec", message: "test exited without a final answer", exitCode: 0 },
        { cause: "signal", message: expect.stringContaining("SIGKILL"), exitCode: undefined },
        {
          cause: "agent-error",
          message: "the test's agent: unknown key txt; did you mean text?",
          exitCode: 0,
        },
        {
          cause: "agent-error",
          message: "the test's agent: toolCalls.1.input is not JSON: $.at.self contains itself",
          exitCode: 0,
        },
        {
          cause: "agent-error",
          message: "the test's agent: the answer cannot be read: accessing its properties throws an error",
          exitCode: 0,
        },
        {
          cause: "agent-error",
          message: expect.stringContaining("unknown agent x in this test;"),
          exitCode: 0,
        },
      ])
      expect(filterEvents(events, "spawn:error")).toHaveLength(names.length)
    },
    timeout,
  )

  test(
    "may be slow, and spawns do not wait for each other",
    async () => {
      const both = Promise.withResolvers<string>()
      await using kit = await kitWith({
        first: () => both.promise,
        second: () => {
          both.resolve("the second came")
          return "second"
        },
      })
      const { result } = await kit.run({ source: asking(["first", "second"]) })
      expect(Object(result.programResult).answers).toEqual(["the second came", "second"])
    },
    timeout,
  )

  test(
    "may be one function for all names, and hang until the run is cancelled",
    async () => {
      const gone = Promise.withResolvers<string>()
      const asked = Promise.withResolvers<string>()
      await using kit = await kitWith(({ agent }, { signal }) => {
        if (agent === "hanger") return hang()
        signal.addEventListener("abort", () => gone.resolve("aborted"))
        asked.resolve(agent)
        return new Promise<string>(() => undefined)
      })
      writeFileSync(join(folder, "hanging.ts"), asking(["hanger", "waiter"]))
      const { runId } = await kit.mill.submit({ program: join(folder, "hanging.ts") })
      expect(await asked.promise).toBe("waiter")
      await kit.mill.cancel(runId, "enough")
      expect(await gone.promise).toBe("aborted")
      const { record, spawns } = await kit.wait(runId)
      expect(record.status).toBe("cancelled")
      expect(spawns.map(({ status }) => status)).toEqual(["cancelled", "cancelled"])
    },
    timeout,
  )
})

describe("a test mill", () => {
  test(
    "leaves no process and no file, even when the test fails during a run",
    async () => {
      const asked = Promise.withResolvers<void>()
      let runDir = ""
      let runId = ""
      const failing = async () => {
        await using kit = await kitWith(() => {
          asked.resolve()
          return hang()
        })
        writeFileSync(join(folder, "hanging.ts"), asking(["a"]))
        const run = await kit.mill.submit({ program: join(folder, "hanging.ts") })
        runDir = run.paths.runDir
        runId = run.runId
        await asked.promise
        expect(findProcesses(`MILL_RUN_ID=${runId}`).length).toBeGreaterThan(0)
        throw new Error("an assertion has failed")
      }
      expect(await failing().catch((error: unknown) => String(error))).toContain("an assertion has failed")
      expect(findProcesses(`MILL_RUN_ID=${runId}`)).toEqual([])
      expect(existsSync(dirname(dirname(runDir)))).toBe(false)
    },
    timeout,
  )

  test(
    "runs a program file in the given directory",
    async () => {
      writeFileSync(join(folder, "name.ts"), `export const name = "next door"`)
      writeFileSync(
        join(folder, "importer.ts"),
        `import { name } from "./name.ts"\nexport default [name, mill.run.cwd]`,
      )
      await using kit = await createTestMill({ agents: {}, cwd: folder })
      expect((await kit.run("importer.ts")).result.programResult).toEqual(["next door", folder])
      const url = new URL(`file://${folder}/importer.ts`)
      expect((await kit.run(url)).result.programResult).toEqual(["next door", folder])
      expect(readdirSync(folder)).not.toContain(".mill")
    },
    timeout,
  )

  test(
    "reports programs that fail and programs that cannot be run",
    async () => {
      await using kit = await createTestMill({ agents: {} })
      const { record, result } = await kit.run({ source: `throw new Error("oh dear")` })
      expect(record).toMatchObject({ status: "failed", errorMessage: "Error: oh dear" })
      expect(result.status).toBe("failed")
      const refused = await kit.run({ source: "const = 1" }).catch((error: unknown) => error)
      expect(refused).toMatchObject({ _tag: "ProgramError" })
      const offline = await kit.run({ source: asking(["a"]) }, { driver: "offline" })
      expect(offline.record).toMatchObject({ status: "complete", driver: "offline" })
    },
    timeout,
  )

  test(
    "rejects runs with an invalid configuration, and still closes",
    async () => {
      await using kit = await createTestMill({ agents: {}, config: { cancelGrace: -1 } })
      const refused = await kit.run({ source: "1" }).catch((error: unknown) => error)
      expect(refused).toMatchObject({ _tag: "ConfigError", key: "cancelGrace" })
    },
    timeout,
  )

  test(
    "uses a project's configuration with its extensions, and plays its agents",
    async () => {
      mkdirSync(join(folder, "project"))
      writeFileSync(join(folder, "project/words.ts"), `export const word = "hello"`)
      writeFileSync(
        join(folder, "project/mill.config.ts"),
        `import { defineConfig, processDriver, textCodec } from "@mill/core"
import { word } from "./words.ts"
export default defineConfig({
  defaultDriver: "own",
  drivers: { own: processDriver({ command: "./own.sh", codec: textCodec() }) },
  extensions: [{ name: "words", api: { first: async () => word } }],
})`,
      )
      writeFileSync(join(folder, "project/own.sh"), "#!/bin/sh\necho own", { mode: 0o755 })
      await using kit = await createTestMill({
        agents: { a: "played" },
        cwd: folder,
        config: "project/mill.config.ts",
      })
      const source = `const { text } = await mill.spawn({ agent: "a", systemPrompt: "s", prompt: "p", model: "m" })
export default [text.trim(), await mill.words.first()]`
      expect((await kit.run({ source })).result.programResult).toEqual(["played", "hello"])
      expect((await kit.run({ source }, { driver: "own" })).result.programResult).toEqual(["own", "hello"])
    },
    timeout,
  )

  test(
    "can be closed twice, and rejects runs once closed",
    async () => {
      const kit = await kitWith({ a: "x" })
      await Promise.all([kit.close(), kit.close()])
      await kit.close()
      const error = { _tag: "UsageError", message: "this test kit is closed" }
      expect(await kit.run({ source: "1" }).catch((error: unknown) => error)).toMatchObject(error)
      expect(await kit.wait("last").catch((error: unknown) => error)).toMatchObject(error)
    },
    timeout,
  )

  const wrong: ReadonlyArray<readonly [options: unknown, message: string]> = [
    [undefined, "createTestMill: the argument is undefined"],
    [{}, "createTestMill: agents is missing"],
    [
      { agents: null },
      "createTestMill: agents is null; expected a function, or an object with an agent for each name",
    ],
    [{ agents: { a: null } }, "createTestMill: agents is an object"],
    [{ agents: {}, configs: {} }, "createTestMill: unknown key configs"],
  ]
  for (const [options, message] of wrong) {
    test(`is refused with ${Bun.inspect(options)}`, async () => {
      const error = await createTestMill(options as TestMillOptions).catch((error: unknown) => error)
      expect(error).toMatchObject({ _tag: "UsageError", message: expect.stringContaining(message) })
    })
  }

  /** Runs a file that opens a kit and never closes it. Returns the folder of the kit. */
  const abandoned = async (name: string, command: ReadonlyArray<string>, text: string) => {
    const file = join(folder, name)
    writeFileSync(join(folder, "late.ts"), asking(["a"]))
    writeFileSync(
      file,
      text.replace(
        "OPEN",
        `const asked = Promise.withResolvers()
const kit = await createTestMill({ agents: () => { asked.resolve(); return hang() } })
console.log("RUN", JSON.stringify(await kit.mill.submit({ program: ${JSON.stringify(join(folder, "late.ts"))} })))
await asked.promise`,
      ),
    )
    const tsconfig = join(repository, "tsconfig.json")
    const child = Bun.spawn([process.execPath, ...command, "--tsconfig-override", tsconfig, file], {
      stdout: "pipe",
      stderr: "pipe",
      cwd: folder,
    })
    const [stdout] = await Promise.all([child.stdout.text(), child.stderr.text()])
    const { paths, runId } = JSON.parse(/^RUN (.*)$/m.exec(stdout)?.[1] ?? "{}")
    await waitFor("its processes are gone", () => findProcesses(`MILL_RUN_ID=${runId}`).length === 0)
    return dirname(dirname(paths.runDir))
  }
  const imports = `import { createTestMill, hang } from "@mill/core/testing"\n`

  test(
    "leaves no process and no folder when the process exits without closing it",
    async () => {
      const left = await abandoned("gone.ts", [], `${imports}OPEN\nprocess.exit(1)`)
      expect(existsSync(left)).toBe(false)
    },
    timeout,
  )

  test(
    "leaves no process of a test that timed out",
    async () => {
      const late = `import { test } from "bun:test"\n${imports}test("late", async () => {
OPEN
await new Promise(() => undefined) }, 10_000)`
      // Bun ends a test process without emitting `exit`, so the folder may stay.
      rmSync(await abandoned("late.test.ts", ["test"], late), { recursive: true, force: true })
    },
    timeout,
  )

  test(
    "can be closed while a run is running",
    async () => {
      await using kit = await kitWith(hang)
      const controller = new AbortController()
      const running = kit.run({ source: asking(["a"]) }, { signal: controller.signal })
      await waitFor("the run has started", async () => (await kit.mill.list()).runs[0]?.spawns.running === 1)
      controller.abort(new Error("long enough"))
      expect(await running.catch((error: unknown) => error)).toEqual(new Error("long enough"))
    },
    timeout,
  )
})
