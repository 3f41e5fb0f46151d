/** The service of processes, with real ones: how they end, what they print meanwhile, and how long they are awaited. */
import { afterAll, expect, test } from "bun:test"
import { Deferred, Duration, Effect, FileSystem, Layer, ManagedRuntime } from "effect"
import { systemError } from "effect/PlatformError"
import { ChildProcess } from "effect/process"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import { RunId } from "../../../src/domain/ids.schema.ts"
import { isMarked, parseStat } from "../../../src/internal/process/proc-files.ts"
import { Processes } from "../../../src/internal/process/processes.effect.ts"
import { layer } from "../../../src/runtime/platform/platform.effect.ts"

const runtime = ManagedRuntime.make(layer)
afterAll(() => runtime.dispose())

const script = (text: string, options: ChildProcess.CommandOptions = {}) =>
  ChildProcess.make("/bin/sh", ["-c", text], { extendEnv: true, stdin: "ignore", ...options })
const run = (text: string) =>
  runtime.runPromise(Effect.flatMap(Processes, (processes) => processes.run(script(text))))

test("a command ends with its exit code, or with the signal that ended it", async () => {
  expect(await run("echo out; echo err >&2; exit 3")).toMatchObject({
    exit: { _tag: "Code", code: 3 },
    stdout: "out\n",
    stderr: "err\n",
  })
  expect((await run("kill -9 $$")).exit).toMatchObject({ _tag: "Signal", signal: "SIGKILL" })
})

test("output is read while a process is being ended", async () => {
  let output = ""
  const decoder = new TextDecoder()
  await runtime.runPromise(
    Effect.scoped(
      Effect.gen(function* () {
        const ready = yield* Deferred.make<void>()
        const processes = yield* Processes
        yield* processes.start(
          script("trap 'echo last words; exit' TERM; echo ready; while :; do sleep 0.01; done"),
          {
            grace: Duration.seconds(20),
            onStdout: (chunk) =>
              Effect.suspend(() => {
                output += decoder.decode(chunk)
                return Deferred.succeed(ready, undefined)
              }),
            onStderr: () => Effect.void,
          },
        )
        yield* Deferred.await(ready)
      }),
    ),
  )
  expect(output).toBe("ready\nlast words\n")
})

test("waiting for a process ends with the process, or with the patience", async () => {
  const child = Bun.spawn(["sleep", "1000"])
  const awaitGone = (patience: Duration.Input) =>
    Effect.gen(function* () {
      const processes = yield* Processes
      const identity = yield* processes.identify(child.pid)
      return identity === undefined ? undefined : yield* processes.awaitGone(identity, patience)
    })
  expect(await runtime.runPromise(awaitGone("20 millis"))).toBe(false)
  const gone = runtime.runPromise(awaitGone("20 seconds"))
  child.kill("SIGKILL")
  // The process may be gone before its identity is read.
  expect(await gone).not.toBe(false)
})

test("the spawner refuses what it does not support", async () => {
  const refused = Effect.flatMap(Processes, (processes) =>
    Effect.flip(processes.run(script("true", { shell: true }))),
  )
  expect(await runtime.runPromise(refused)).toMatchObject({ reason: { _tag: "BadArgument" } })
})

test("the stat of a process is read behind its name, which may hold anything", () => {
  const stat = (state: string) => `7 (a) b (c) ${state} 1 42 42 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 9876 0`
  expect(parseStat(stat("S"))).toEqual({ state: "S", group: "42", startTicks: "9876", isZombie: false })
  expect(parseStat(stat("Z")).isZombie).toBe(true)
})

test("a mark is a whole variable", () => {
  const runId = RunId.make("run_1")
  expect(isMarked("A=b\0MILL_RUN_ID=run_1\0", runId)).toBe(true)
  expect(isMarked("MILL_RUN_ID=run_1\0", runId)).toBe(true)
  expect(isMarked("MILL_RUN_ID=run_12\0", runId)).toBe(false)
  expect(isMarked("OTHER_MILL_RUN_ID=run_1\0", runId)).toBe(false)
})

test("a process that cannot be looked up does not count as dead", async () => {
  const refused = (method: string) =>
    systemError({
      module: "FileSystem",
      method,
      _tag: "Unknown",
      cause: Object.assign(new Error("too many open files"), { code: "EMFILE" }),
    })
  const signals: Array<string | number> = []
  const processes = Processes.layer({
    self: process.pid,
    kill: (_, signal) => signals.push(signal),
    which: () => undefined,
  }).pipe(
    Layer.provide(
      Layer.mergeAll(
        FileSystem.layerNoop({
          exists: () => Effect.succeed(true),
          readFile: () => Effect.fail(refused("readFile")),
          readFileString: () => Effect.fail(refused("readFileString")),
          readDirectory: () => Effect.succeed(["1", "2"]),
        }),
        Layer.mock(ChildProcessSpawner)({}),
      ),
    ),
  )
  const alive = Effect.flatMap(Processes, ({ isAlive }) => isAlive({ pid: 1, startTime: "boot:1" }))
  const end = Effect.flatMap(Processes, ({ endGroup }) => endGroup(7, Duration.millis(20)))
  const poor = ManagedRuntime.make(processes)
  expect(await poor.runPromise(alive)).toBe(true)
  await poor.runPromise(end)
  // SIGKILL follows, because nothing shows that SIGTERM was enough.
  expect(signals).toContain("SIGKILL")
  await poor.dispose()
})

test("a process that appears while its parent exits is ended too", async () => {
  const absent = systemError({
    module: "FileSystem",
    method: "readFile",
    _tag: "NotFound",
    cause: Object.assign(new Error("no such file"), { code: "ENOENT" }),
  })
  let looks = 0
  const ended = new Set<number>()
  const processes = Processes.layer({
    self: 1,
    kill: (pid) => ended.add(pid),
    which: () => undefined,
  }).pipe(
    Layer.provide(
      Layer.mergeAll(
        FileSystem.layerNoop({
          exists: () => Effect.succeed(true),
          // The parent, 10, is there first, and has exited when its environment is read; the child is 11.
          readDirectory: () => Effect.sync(() => (looks++ === 0 ? ["10"] : ended.has(11) ? [] : ["11"])),
          readFile: (path) =>
            path === "/proc/11/environ"
              ? Effect.succeed(new TextEncoder().encode("MILL_RUN_ID=run_1\0"))
              : Effect.fail(absent),
        }),
        Layer.mock(ChildProcessSpawner)({}),
      ),
    ),
  )
  const chain = ManagedRuntime.make(processes)
  await chain.runPromise(
    Effect.flatMap(Processes, ({ endMarked }) => endMarked(RunId.make("run_1"), Duration.seconds(1))),
  )
  expect([...ended]).toEqual([11])
  await chain.dispose()
})
