/** mill as a library, as scripts use it: createMill, and createEngine in a program with Effect. */
import { afterAll, describe, expect, test } from "bun:test"
import { Duration, Effect, Fiber, ManagedRuntime, Layer, Stream } from "effect"
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import {
  claudeCodec,
  createEngine,
  createMill,
  type EngineOptions,
  httpDriver,
  jsonlCodec,
  type MillConfig,
  processDriver,
  responsesCodec,
  RunNotFound,
  textCodec,
  vmExecutor,
} from "@mill/core"
import { waitFor, makeWorld, filterEvents, findProcesses } from "../support/mill.ts"

const timeout = 120_000
const world = makeWorld()
const folder = mkdtempSync(join(tmpdir(), "mill-sdk-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const runsDir = join(folder, "runs")

const write = (name: string, text: string, mode = 0o644) => {
  mkdirSync(dirname(join(folder, name)), { recursive: true })
  writeFileSync(join(folder, name), text, { mode })
  return join(folder, name)
}
const ask = (prompt: string) =>
  `mill.spawn({ agent: "a", systemPrompt: "s", prompt: ${JSON.stringify(prompt)}, model: "m" })`
write("ask.ts", `const { text } = await ${ask("[say hello] [milestone almost]")}\nexport default text`)
write("hang.ts", `await ${ask("[hang]")}`)
write("talk.ts", `console.log("one"); await ${ask("[sleep 0.3]")}; console.log("two")`)

const offline: MillConfig = { defaultDriver: "offline" }
const open = (options: EngineOptions = {}) =>
  createMill({ cwd: folder, runsDir, config: offline, ...options })
/** What a promise is rejected with. */
const rejection = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  )
const filesIn = (directory: string): ReadonlyArray<string> =>
  readdirSync(directory, { recursive: true, encoding: "utf8" })
    .map((name) => join(directory, name))
    // A worker that is about to leave removes the space that it has kept.
    .filter(
      (path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true && !path.endsWith("/reserve"),
    )

describe("createMill", () => {
  test(
    "submits, watches, waits, inspects and lists",
    async () => {
      await using mill = open()
      const submitted = await mill.submit({ program: "ask.ts", args: ["x"], metadata: { a: "b" } })
      const { paths, runId, status } = submitted
      expect(status).toBe("running")
      // Unknown fields are absent in a live run, too.
      const live = { submitted, record: await mill.status(runId) }
      expect(live).toStrictEqual(JSON.parse(JSON.stringify(live)))
      const types: Array<string> = []
      for await (const { event } of mill.watch(runId)) types.push(event.type)
      expect(types).toEqual([
        "run:start",
        "run:status",
        "spawn:start",
        "spawn:milestone",
        "spawn:complete",
        "run:complete",
      ])
      const record = await mill.wait(runId.slice(0, -1), { timeout: "1 minute" })
      expect(record).toMatchObject({ id: runId, status: "complete", metadata: { a: "b" }, paths })
      expect(await mill.status("last")).toMatchObject({ id: runId, changedSources: [] })
      const { result, spawns } = await mill.inspect(runId)
      expect(result?.programResult).toBe("hello")
      expect(spawns).toHaveLength(1)
      const spawn = await mill.inspect({ run: runId, spawn: "spawn_1" })
      expect(spawn).toMatchObject({
        runId,
        input: { agent: "a" },
        spawn: { text: "hello", status: "complete" },
      })
      expect(spawn).toStrictEqual(JSON.parse(JSON.stringify(spawn)))
      expect(filterEvents(spawn.events, "spawn:milestone")[0]?.payload.message).toBe("almost")
      const { runs } = await mill.list({ status: "complete", limit: 1 })
      expect(runs.map(({ id }) => id)).toEqual([runId])
      expect(await mill.cancel(runId)).toMatchObject({ alreadyTerminal: true, run: { status: "complete" } })
    },
    timeout,
  )

  test(
    "does the same as the command, which sees its runs",
    async () => {
      await using mill = open()
      const { programResult, runId, status } = await mill.runSync({ program: "ask.ts" })
      expect({ programResult, status }).toEqual({ programResult: "hello", status: "complete" })
      const { code, stdout } = await world.mill(["status", runId, "--json", "--runs-dir", runsDir])
      expect({ code, record: JSON.parse(stdout) }).toEqual({
        code: 0,
        record: JSON.parse(JSON.stringify(await mill.status(runId))),
      })
      // A run that fails has a result like any other.
      write("fail.ts", `throw new Error("oh dear")`)
      expect(await mill.runSync({ program: "fail.ts" })).toMatchObject({
        status: "failed",
        errorMessage: "Error: oh dear",
      })
    },
    timeout,
  )

  test(
    "prepares a run without a trace, and starts it",
    async () => {
      await using mill = open()
      const before = readdirSync(runsDir)
      const prepared = await mill.prepare({ program: write("once.ts", "export default 1") })
      expect(readdirSync(runsDir)).toEqual(before)
      expect(prepared).toMatchObject({ confirm: true })
      expect(await mill.outline(prepared)).toMatchObject({ lines: 1, spawnCalls: 0, unseen: [] })
      write("once.ts", "export default 2")
      const { runId } = await mill.start(prepared)
      await mill.wait(runId)
      expect((await mill.inspect(runId)).result?.programResult).toBe(1)
    },
    timeout,
  )

  test(
    "rejects with the tagged errors themselves",
    async () => {
      await using mill = open()
      const error = await rejection(mill.status("run_none"))
      expect(error).toBeInstanceOf(RunNotFound)
      expect(error).toMatchObject({ _tag: "RunNotFound", message: "no run matches run_none" })
      expect(await rejection(mill.status("../up"))).toMatchObject({ _tag: "UsageError" })
      expect(await rejection(mill.submit({ program: "absent.ts" }))).toMatchObject({ _tag: "ProgramError" })
      expect(await rejection(mill.submit({ program: "ask.ts", driver: "of" }))).toMatchObject({
        _tag: "ConfigError",
        message: expect.stringContaining(`unknown driver "of"`),
      })
      const { runId } = await mill.runSync({ program: "ask.ts" })
      expect(await rejection(mill.inspect({ run: runId, spawn: "spawn_7" }))).toMatchObject({
        _tag: "RunNotFound",
        message: `${runId} has no spawn "spawn_7"`,
      })
      const untyped = { program: "ask.ts", arguments: ["x"] }
      expect(await rejection(mill.submit(untyped))).toMatchObject({
        _tag: "UsageError",
        message: "submit: unknown key arguments",
      })
      expect(await rejection(mill.list({ limit: 0 }))).toMatchObject({
        _tag: "UsageError",
        message: expect.stringContaining("list: limit is 0"),
      })
    },
    timeout,
  )

  test(
    "stops waiting and watching on abort, and leaves runs running",
    async () => {
      await using mill = open()
      const { runId } = await mill.submit({ program: "hang.ts" })
      expect(await rejection(mill.wait(runId, { timeout: 20 }))).toMatchObject({
        _tag: "WaitTimeout",
        seconds: 0.02,
      })
      const controller = new AbortController()
      const waiting = rejection(mill.wait(runId, { signal: controller.signal }))
      const watching = rejection(Array.fromAsync(mill.watch(runId, { signal: controller.signal })))
      controller.abort(new Error("no time"))
      expect(await waiting).toEqual(new Error("no time"))
      expect(await watching).toEqual(new Error("no time"))
      expect(await rejection(mill.wait(runId, { signal: controller.signal }))).toEqual(new Error("no time"))
      for await (const { event } of mill.watch(runId)) if (event.type === "spawn:start") break
      for await (const live of mill.liveRuns()) if (live === runId) break
      expect((await mill.status(runId)).status).toBe("running")
      expect(await mill.cancel(runId, "done")).toMatchObject({
        alreadyTerminal: false,
        run: { status: "cancelled" },
      })
    },
    timeout,
  )

  test(
    "answers concurrent reads of a watch in order, and ends them when the watch is closed",
    async () => {
      await using mill = open()
      const { runId } = await mill.runSync({ program: "ask.ts" })
      const asked = mill.watch(runId)[Symbol.asyncIterator]()
      const answers = await Promise.all(Array.from({ length: 8 }, () => asked.next()))
      const sequences = answers.flatMap((one) => (one.done === true ? [] : [one.value.event.sequence]))
      expect(sequences).toEqual([1, 2, 3, 4, 5, 6])
      expect(answers.map(({ done }) => done === true).slice(5)).toEqual([false, true, true])

      const hanging = await mill.submit({ program: "hang.ts" })
      const watching = mill.watch(hanging.runId)[Symbol.asyncIterator]()
      while ((await watching.next()).value?.event.type !== "spawn:start") continue
      const waiting = [watching.next(), watching.next()]
      expect(await watching.return?.()).toEqual({ done: true, value: undefined })
      const ended = await Promise.all([...waiting, watching.next()])
      expect(ended.map(({ done }) => done)).toEqual([true, true, true])
      const absent = mill.watch("run_none")[Symbol.asyncIterator]()
      expect(await rejection(absent.next())).toBeInstanceOf(RunNotFound)
      expect((await absent.next()).done).toBe(true)
      await mill.cancel(hanging.runId)
    },
    timeout,
  )

  test(
    "streams the program's output",
    async () => {
      await using mill = open()
      const { runId } = await mill.submit({ program: "talk.ts" })
      const lines: Array<string> = []
      for await (const item of mill.watchIo(runId)) {
        if (item.kind === "io" && item.io.source === "program") lines.push(item.io.line)
      }
      expect(lines.at(-1)).toBe("two")
    },
    timeout,
  )

  test(
    "rejects pending and later calls when closed, and leaves runs running",
    async () => {
      const mill = open()
      const { runId } = await mill.submit({ program: "hang.ts" })
      const waiting = rejection(mill.wait(runId))
      const watching = rejection(Array.fromAsync(mill.watch(runId)))
      for await (const { event } of mill.watch(runId)) if (event.type === "spawn:start") break
      await mill.close()
      const closed = { _tag: "UsageError", message: "this client is closed" }
      expect(await waiting).toMatchObject(closed)
      expect(await watching).toMatchObject(closed)
      expect(await rejection(mill.list())).toMatchObject(closed)
      expect(await rejection(Array.fromAsync(mill.watch(runId)))).toMatchObject(closed)
      await mill.close()
      await using another = open()
      expect((await another.status(runId)).status).toBe("running")
      await another.cancel(runId)
      await waitFor("its processes are gone", () => findProcesses(`MILL_RUN_ID=${runId}`).length === 0)
    },
    timeout,
  )

  test(
    "initializes a directory and discovers its configuration",
    async () => {
      const cwd = join(folder, "fresh")
      mkdirSync(cwd)
      await using mill = open({ cwd })
      expect((await mill.init()).created).toContain(join(cwd, "mill.config.ts"))
      const { config, defaults, drivers } = await mill.discover()
      expect({ config, driver: defaults.driver }).toEqual({ config: undefined, driver: "offline" })
      expect(Object.keys(drivers)).toContain("claude")
    },
    timeout,
  )

  test(
    "leaves no trace of a run that cannot be started",
    async () => {
      const left = () => readdirSync(runsDir).toSorted()
      const program = join(folder, "ask.ts")
      for (const [cwd, what] of [
        [join(folder, "absent"), "does not exist"],
        [program, "is not a directory"],
      ] as const) {
        await using mill = open({ cwd })
        const before = left()
        expect(await rejection(mill.submit({ program }))).toMatchObject({
          _tag: "UsageError",
          message: `cwd: ${cwd} ${what}`,
        })
        expect(left()).toEqual(before)
      }
      await using mill = open()
      const before = left()
      // More than a system takes on as a process's environment.
      const names = Array.from({ length: 40 }, (_, index) => `MILL_TEST_LONG_${index}`)
      for (const name of names) process.env[name] = "x".repeat(100_000)
      const refused = await rejection(mill.submit({ program }))
      for (const name of names) delete process.env[name]
      expect(refused).toMatchObject({
        _tag: "LaunchError",
        message: expect.stringContaining("cannot start a worker"),
      })
      expect(left()).toEqual(before)
    },
    timeout,
  )

  test(
    "passes values of any size to a run",
    async () => {
      const KEYS = Object.fromEntries(
        Array.from({ length: 4 }, (_, index) => [`KEY_${index}`, `${index}`.repeat(120_000)]),
      )
      const long = "x".repeat(140_000)
      const api = httpDriver({
        url: "https://api.example",
        codec: responsesCodec(),
        headers: { "x-long": long },
      })
      const lengths = `read -r request
echo "{\\"type\\":\\"result\\",\\"text\\":\\"\${#KEY_0} \${#KEY_3}\\"}"`
      const command = write("lengths.sh", `#!/bin/sh\n${lengths}`, 0o755)
      const tell = processDriver({ command, codec: jsonlCodec(), env: KEYS })
      await using mill = open({ config: { defaultDriver: "tell", drivers: { tell, api } } })
      expect((await mill.runSync({ program: "ask.ts" })).programResult).toBe("120000 120000")
    },
    timeout,
  )

  test(
    "lets a script exit without closing it",
    async () => {
      const script = write(
        "forgetful.ts",
        `import { createMill } from "@mill/core"
const mill = createMill({ cwd: ${JSON.stringify(folder)}, runsDir: ${JSON.stringify(runsDir)}, config: { defaultDriver: "offline" } })
console.log((await mill.runSync({ program: "ask.ts" })).programResult)
`,
      )
      const inRepository = join(import.meta.dir, "../..")
      const child = Bun.spawn(
        [process.execPath, "--tsconfig-override", join(inRepository, "tsconfig.json"), script],
        {
          stdout: "pipe",
          stderr: "pipe",
        },
      )
      expect(await child.stdout.text()).toBe("hello\n")
      expect(await child.stderr.text()).toBe("")
      expect(await child.exited).toBe(0)
    },
    timeout,
  )
})

describe("untyped input", () => {
  const run = "run_none"
  const wrong = (value: unknown) => value as never
  const timeouts = [
    "nonsense",
    -5,
    null,
    [1, 2, 3],
    "-1 seconds",
    NaN,
    [NaN, 0],
    {},
    { secs: 1 },
    { seconds: NaN },
    { seconds: undefined },
    { seconds: "soon" },
    { seconds: -1 },
    new Map(),
  ]
  const throwing = {
    get program(): string {
      throw new Error("no")
    },
  }
  const circular: Record<string, unknown> = {}
  circular["self"] = circular
  const { proxy: revoked, revoke } = Proxy.revocable({}, {})
  revoke()
  type Use = (mill: ReturnType<typeof open>) => Promise<unknown>
  const uses: Readonly<Record<string, readonly [use: Use, message: string]>> = {
    "inspect(null)": [(mill) => mill.inspect(wrong(null)), "inspect: the argument is null"],
    "inspect({})": [(mill) => mill.inspect(wrong({})), "inspect: run is missing"],
    "start({})": [(mill) => mill.start(wrong({})), "start: an object is not a prepared run"],
    "start(undefined)": [(mill) => mill.start(wrong(undefined)), "start: undefined is not a prepared run"],
    "outline(null)": [(mill) => mill.outline(wrong(null)), "outline: null is not a prepared run"],
    "submit(null)": [(mill) => mill.submit(wrong(null)), "submit: the argument is null"],
    "submit of what throws": [(mill) => mill.submit(throwing), "submit: the argument cannot be read"],
    "wait for a revoked proxy": [
      (mill) => mill.wait(run, { timeout: wrong(revoked) }),
      "wait: timeout is an object",
    ],
    "start of a revoked proxy": [
      (mill) => mill.start(wrong(revoked)),
      "start: an object is not a prepared run",
    ],
    "status of a revoked proxy": [(mill) => mill.status(wrong(revoked)), "an object is not a valid run id"],
    "status(circular)": [(mill) => mill.status(wrong(circular)), "an object is not a valid run id"],
    "cancel for a number": [(mill) => mill.cancel(run, wrong(5)), "cancel: reason is 5"],
    "init(null)": [(mill) => mill.init(wrong(null)), "init: the argument is null"],
    "a signal of another kind": [
      (mill) => mill.wait(run, { signal: wrong({}) }),
      "signal is not an AbortSignal",
    ],
    ...Object.fromEntries(
      timeouts.map((timeout) => [
        `wait for ${Bun.inspect(timeout)}`,
        [
          (mill: ReturnType<typeof open>) => mill.wait(run, { timeout: wrong(timeout) }),
          "wait: timeout is ",
        ] as const,
      ]),
    ),
  }
  for (const [what, [use, message]] of Object.entries(uses)) {
    test(`is refused: ${what}`, async () => {
      await using mill = open()
      const error = await rejection(use(mill))
      expect(error).toMatchObject({ _tag: "UsageError", message: expect.stringContaining(message) })
    })
  }
  const getters: Readonly<Record<string, () => EngineOptions>> = {
    "an option": () => Object.defineProperty({}, "cwd", { enumerable: true, get: () => fail() }),
    "a key": () => ({
      config: Object.defineProperty({}, "drivers", { enumerable: true, get: () => fail() }),
    }),
  }
  const fail = () => {
    throw new Error("no")
  }
  for (const [what, options] of Object.entries(getters)) {
    test(`is refused: ${what} that throws when it is read`, async () => {
      await using mill = createMill(options())
      expect(await rejection(mill.list())).toMatchObject({
        _tag: "ConfigError",
        message: expect.stringContaining("accessing its properties throws an error"),
      })
    })
  }
  test("accepts every form of a timeout", async () => {
    await using mill = open()
    for (const timeout of [
      0,
      5,
      1n,
      "1 second",
      "Infinity",
      { seconds: 1, minutes: undefined },
      [1, 0],
      Duration.zero,
    ] as const) {
      expect(await rejection(mill.wait(run, { timeout }))).toMatchObject({ _tag: "RunNotFound" })
    }
  })
})

describe("a configuration", () => {
  test(
    "is found from the working directory or named by path, and read anew for each run",
    async () => {
      const configured = (
        answer: string,
      ) => `import { defineConfig, processDriver, textCodec } from "@mill/core"
import { answer } from "./answer.ts"
export default defineConfig({
  defaultDriver: "echo",
  drivers: { echo: processDriver({ command: "echo", args: [answer], codec: textCodec({ args: [${JSON.stringify(answer)}] }) }) },
})`
      write("project/answer.ts", `export const answer = "first"`)
      write("project/mill.config.ts", configured("!"))
      write("project/ask.ts", `const { text } = await ${ask("?")}\nexport default text`)
      await using found = createMill({ cwd: join(folder, "project"), runsDir })
      await using named = createMill({ cwd: folder, runsDir, config: "project/mill.config.ts" })
      const answers = async () =>
        Promise.all([
          found.runSync({ program: "ask.ts" }).then(({ programResult }) => programResult),
          named.runSync({ program: "project/ask.ts" }).then(({ programResult }) => programResult),
        ])
      expect(await answers()).toEqual(["first !", "first !"])
      write("project/mill.config.ts", configured("?"))
      expect(await answers()).toEqual(["first ?", "first ?"])
      write("project/answer.ts", `export const answer = "second"`)
      expect(await answers()).toEqual(["second ?", "second ?"])
      await using absent = createMill({ cwd: folder, runsDir, config: "absent.ts" })
      expect(await rejection(absent.submit({ program: "ask.ts" }))).toMatchObject({
        _tag: "ConfigError",
        path: join(folder, "absent.ts"),
      })
    },
    timeout,
  )

  test(
    "passed as an object is frozen like a file, and its secrets are not written to disk",
    async () => {
      const secret = "correct-horse-battery-staple"
      write(
        "tell.sh",
        `#!/bin/sh
read -r request
test "$KEY" = "${secret.replace("horse", '"horse"')}" && heard=heard
echo "{\\"type\\":\\"result\\",\\"text\\":\\"$heard \${MILL_CONFIG_VALUES-none} $(pwd)\\"}"`,
        0o755,
      )
      write(
        "environment.ts",
        `const { text } = await ${ask("?")}
export default [text, process.env.KEY ?? "none", process.env.MILL_CONFIG_VALUES ?? "none"]`,
      )
      mkdirSync(join(folder, "agents.d"))
      const config: MillConfig = {
        defaultDriver: "my.own",
        drivers: {
          "my.own": processDriver({
            command: "./tell.sh",
            codec: jsonlCodec(),
            cwd: "agents.d",
            env: { KEY: secret },
          }),
          text: processDriver({ command: "cat", codec: textCodec({ stdin: "{prompt}" }) }),
          claude: processDriver({ command: "claude", codec: claudeCodec({ tools: [] }) }),
          api: httpDriver({
            url: "https://api.example",
            codec: responsesCodec({ models: ["one"] }),
            headers: { "x-team": secret, "x-other": { env: "PATH" } },
          }),
        },
        executors: { box: vmExecutor({ setEnv: { TOKEN: secret } }) },
        cancelGrace: 1,
      }
      await using mill = open({ config })
      const { runId, programResult } = await mill.runSync({ program: "environment.ts" })
      expect(programResult).toEqual([`heard none ${join(folder, "agents.d")}`, "none", "none"])
      expect(process.env["MILL_CONFIG_VALUES"]).toBeUndefined()
      expect((await mill.status(runId)).changedSources).toEqual([])
      expect((await mill.runSync({ program: "environment.ts", driver: "text" })).programResult).toEqual([
        "?",
        "none",
        "none",
      ])
      const prepared = await mill.prepare({ program: "environment.ts", driver: "api" })
      expect(JSON.stringify([...prepared.contents])).not.toContain(secret)
      const holding = filesIn(runsDir).filter((path) => readFileSync(path, "utf8").includes(secret))
      expect(holding).toEqual([])
      expect(readdirSync(folder).filter((name) => name.startsWith(".mill"))).toEqual([])
      const plan = JSON.parse(readFileSync(join(runsDir, runId, "plan.json"), "utf8"))
      expect(plan.driver.env).toEqual(["KEY"])
      const submitted = await mill.submit({ program: "environment.ts" })
      expect(submitted.configPath).toBeUndefined()
      await mill.wait(submitted.runId)
    },
    timeout,
  )

  const refused: Readonly<Record<string, readonly [EngineOptions, Readonly<Record<string, unknown>>]>> = {
    "a promise": [
      { config: Promise.resolve({}) as MillConfig },
      { message: expect.stringContaining("a promise") },
    ],
    "a key that is not known": [
      { config: { defaultDrivers: "x" } as MillConfig },
      { key: "defaultDrivers", hint: "did you mean defaultDriver?" },
    ],
    "a value that is wrong": [
      { config: { cancelGrace: -1 } },
      { key: "cancelGrace", message: expect.stringContaining("config: cancelGrace is -1") },
    ],
    "another option": [
      { runDir: "x" } as EngineOptions,
      { message: "createEngine: unknown key runDir", hint: "did you mean runsDir?" },
    ],
    "an option of another kind": [{ config: 5 } as unknown as EngineOptions, { key: "config" }],
    "a working directory that is no text": [{ cwd: 5 } as unknown as EngineOptions, { key: "cwd" }],
  }
  for (const [what, [options, error]] of Object.entries(refused)) {
    test(`refuses ${what}`, async () => {
      await using mill = createMill(options)
      expect(await rejection(mill.list())).toMatchObject({ _tag: "ConfigError", ...error })
    })
  }
})

describe("createEngine", () => {
  const runtime = ManagedRuntime.make(Layer.empty)

  test(
    "lives in a scope, and its Effects and Streams are Effect's",
    async () => {
      const types = await runtime.runPromise(
        Effect.gen(function* () {
          const engine = yield* createEngine({ cwd: folder, runsDir, config: offline })
          const { runId } = yield* engine.submit({ program: "ask.ts" })
          const entries = yield* Stream.runCollect(engine.watch(runId))
          expect((yield* engine.wait(runId, "1 minute")).status).toBe("complete")
          const result = yield* engine.runSync({ program: "ask.ts" })
          expect(result.programResult).toBe("hello")
          const missing = yield* Effect.flip(engine.status("run_none"))
          expect(missing._tag).toBe("RunNotFound")
          return entries.map(({ event }) => event.type)
        }).pipe(Effect.scoped),
      )
      expect(types.at(-1)).toBe("run:complete")
    },
    timeout,
  )

  test(
    "leaves a run running when it is interrupted",
    async () => {
      await runtime.runPromise(
        Effect.gen(function* () {
          const engine = yield* createEngine({ cwd: folder, runsDir, config: offline })
          const waiting = yield* Effect.forkChild(engine.runSync({ program: "hang.ts" }))
          const runId = yield* engine.liveRuns.pipe(
            Stream.take(1),
            Stream.runHead,
            Effect.flatMap(Effect.fromOption),
          )
          yield* Fiber.interrupt(waiting)
          expect((yield* engine.status(runId)).status).not.toBe("cancelled")
          const { run } = yield* engine.cancel(runId)
          expect(run.status).toBe("cancelled")
        }).pipe(Effect.scoped),
      )
    },
    timeout,
  )

  test("fails on invalid options", async () => {
    const config = { cancelGrace: -1 }
    const failure = Effect.flip(Effect.scoped(createEngine({ config })))
    expect(await runtime.runPromise(failure)).toMatchObject({ _tag: "ConfigError", key: "cancelGrace" })
  })
})
