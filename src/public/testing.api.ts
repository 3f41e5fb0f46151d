/**
 * `@mill/core/testing`: runs programs in tests, with agents that the test defines. Everything else is real: the worker,
 * the program's process, a process for each agent, and the event log. Works with any test runner on Bun.
 *
 * @example
 * test("the scout is asked first", async () => {
 *   await using kit = await createTestMill({ agents: { scout: "three bugs", planner: ({ prompt }) => `fix: ${prompt}` } })
 *   const { result, spawns } = await kit.run("plan.ts", { args: ["src"] })
 *   expect(result.programResult).toEqual({ plan: "fix: three bugs" })
 *   expect(spawns.map(({ agent }) => agent)).toEqual(["scout", "planner"])
 * })
 */
import { Context, Effect, Layer, ManagedRuntime } from "effect"
import { jsonlCodec } from "../codecs/jsonl.codec.ts"
import { SpawnRefused, UsageError } from "../domain/error.schema.ts"
import type { MillEvent } from "../domain/event.schema.ts"
import type { RunRecord, RunResult } from "../domain/run.schema.ts"
import { isTerminalStatus } from "../domain/run.schema.ts"
import type { ScriptedResult } from "../domain/scripted-agent.schema.ts"
import type { SpawnOptions, SpawnSummary } from "../domain/spawn.schema.ts"
import { checkTestOptions } from "../runtime/testing/test-options.effect.ts"
import { writeTestConfig } from "../runtime/testing/test-config.effect.ts"
import * as TestStage from "../runtime/testing/test-stage.effect.ts"
import { bareRuntime } from "./client.api.ts"
import { processDriver } from "./config.api.ts"
import { createMill } from "./engine.api.ts"
import type { Abortable, MillClient } from "./library.api.ts"
import type { MillConfig } from "./types.ts"

/** An agent's answer: its text, or a result with more fields. */
export type AgentAnswer = string | AgentResult

/** A result returned by an agent. All fields are optional. */
export interface AgentResult extends ScriptedResult {}

/**
 * An agent defined by a test. If the function throws or rejects, the spawn fails with that message. `signal` is aborted
 * when the spawn is cancelled.
 */
export type TestAgent = (
  spawn: SpawnOptions,
  context: { readonly signal: AbortSignal },
) => AgentAnswer | Promise<AgentAnswer>

/** Options for `createTestMill`. */
export interface TestMillOptions {
  /** One agent for all spawns, or agents by name. A constant answer is returned for every spawn of that agent. */
  readonly agents: TestAgent | Readonly<Record<string, TestAgent | AgentAnswer>>
  /** The working directory of programs. Program paths are relative to it. Default: the process's working directory. */
  readonly cwd?: string | undefined
  /**
   * A configuration to which the test's agents are added as the default driver: an object (see `EngineOptions`), or the path
   * of a configuration file. Both can contain extensions.
   */
  readonly config?: string | Omit<MillConfig, "defaultDriver"> | undefined
}

/** Options for a run. */
export interface TestRunOptions extends Abortable {
  /** The value of `mill.args`. */
  readonly args?: ReadonlyArray<string> | undefined
  readonly metadata?: Readonly<Record<string, string>> | undefined
  /** A driver to use instead of the test's agents, for example `offline`. */
  readonly driver?: string | undefined
  readonly executor?: string | undefined
}

/** A spawn in a finished run, with its input. */
export interface TestSpawn extends SpawnSummary {
  readonly input: SpawnOptions
}

/** A finished run. */
export interface TestRun {
  readonly record: RunRecord
  readonly result: RunResult
  readonly events: ReadonlyArray<MillEvent>
  /** The spawns, in the order they started. */
  readonly spawns: ReadonlyArray<TestSpawn>
}

/** A test kit that stores runs in a temporary directory. Closing it cancels the runs in progress and removes the directory. */
export interface TestMill extends AsyncDisposable {
  /** Runs a program and waits for the run to finish. `program` is the path or URL of a file, or an object with the source text. */
  run(program: string | URL | { readonly source: string }, options?: TestRunOptions): Promise<TestRun>
  /** Waits until a run that was submitted through `mill` has finished. */
  wait(run: string, options?: Abortable): Promise<TestRun>
  /** The client, for example to submit and cancel runs. */
  readonly mill: MillClient
  close(): Promise<void>
}

/** Makes the agent's process exit with the given code. If `text` is given, the agent answers with it first. */
export const exit = (exitCode: number, text?: string): AgentResult =>
  text === undefined ? { exitCode } : { exitCode, text }

/** Makes the agent's process crash before it answers. */
export const crash = (): AgentResult => ({ crash: true })

/** Makes the agent hang without answering. Its process is stopped when the run ends. */
export const hang = (): AgentResult => ({ hang: true })

/** More runs than a test starts. */
const maxRuns = 1_000_000

type Opened = Effect.Success<ReturnType<typeof TestStage.openStage>>
class Stage extends Context.Service<Stage, Opened>()("mill/public/TestStage") {}

const askAgent = async (
  agents: TestMillOptions["agents"],
  spawn: SpawnOptions,
  signal: AbortSignal,
): Promise<AgentAnswer> => {
  if (typeof agents === "function") return agents(spawn, { signal })
  const names = Object.keys(agents)
  const agent = names.includes(spawn.agent) ? agents[spawn.agent] : undefined
  if (typeof agent === "function") return agent(spawn, { signal })
  return (
    agent ?? { errorMessage: `unknown agent ${spawn.agent} in this test; available: ${names.join(", ")}` }
  )
}

const readFinished = async (
  mill: MillClient,
  run: string,
  signal: AbortSignal | undefined,
): Promise<TestRun> => {
  const events: Array<MillEvent> = []
  for await (const { event, known } of mill.watch(run, { signal })) if (known) events.push(event)
  await mill.wait(run, { signal })
  const { result, run: record } = await mill.inspect(run)
  // A finished run has a result.
  if (result === undefined) return readFinished(mill, run, signal)
  const inputs = new Map(
    events.flatMap((event) =>
      event.type === "spawn:start" ? [[event.payload.spawnId, event.payload.input] as const] : [],
    ),
  )
  const spawns = result.spawns.flatMap((spawn) => {
    const input = inputs.get(spawn.spawnId)
    return input === undefined ? [] : [{ ...spawn, input }]
  })
  return { record, result, events, spawns }
}

const closed = new UsageError({
  message: "this test kit is closed",
  hint: "create a new one with createTestMill()",
})

/** Creates a test kit, which runs programs with agents defined by the test. */
export const createTestMill = async (options: TestMillOptions): Promise<TestMill> => {
  await bareRuntime.runPromise(checkTestOptions(options))
  const { agents, config, cwd } = options
  const answer: TestStage.AnswerSpawn = (spawn) =>
    Effect.tryPromise({
      try: (signal) => askAgent(agents, spawn, signal),
      catch: (error) =>
        new SpawnRefused({
          cause: "agent-error",
          message: error instanceof Error ? error.message : String(error),
        }),
    })
  const stageRuntime = ManagedRuntime.make(
    Layer.provide(Layer.effect(Stage, TestStage.openStage(answer)), TestStage.layer),
  )
  const stage = await stageRuntime.runPromise(Stage)
  const makeConfig = async (): Promise<string | MillConfig> => {
    if (typeof config !== "string") {
      return { ...config, defaultDriver: "test", drivers: { ...config?.drivers, test: agent } }
    }
    const text = await stageRuntime.runPromise(
      Effect.provide(writeTestConfig(config, cwd, stage.agent), TestStage.layer),
    )
    return stageRuntime.runPromise(stage.write("mill.config.ts", text))
  }
  const agent = processDriver({ ...stage.agent, codec: jsonlCodec() })
  const mill = createMill({
    cwd,
    runsDir: stage.runsDir,
    config: await makeConfig(),
  })
  let programs = 0

  const findPath = async (program: string | URL | { readonly source: string }): Promise<string> => {
    if (typeof program === "string") return program
    if (program instanceof URL) return decodeURIComponent(program.pathname)
    programs += 1
    return stageRuntime.runPromise(stage.write(`program-${programs}.ts`, program.source))
  }
  const end = async () => {
    // If runs cannot be listed, none was started.
    const { runs } = await mill.list({ limit: maxRuns }).catch(() => ({ runs: [] }))
    for (const { id, status } of runs)
      if (!isTerminalStatus(status)) await mill.cancel(id, "the test is over")
    await stageRuntime.runPromise(stage.awaitWorkers)
    await mill.close()
    await stageRuntime.dispose()
  }
  let ending: Promise<void> | undefined
  const close = () => {
    ending ??= end()
    return ending
  }
  const checkOpen = () => bareRuntime.runPromise(ending === undefined ? Effect.void : Effect.fail(closed))
  return {
    run: async (program, { signal, ...input } = {}) => {
      await checkOpen()
      const { runId } = await mill.submit({ program: await findPath(program), ...input })
      return readFinished(mill, runId, signal)
    },
    wait: async (run, { signal } = {}) => {
      await checkOpen()
      return readFinished(mill, run, signal)
    },
    mill,
    close,
    [Symbol.asyncDispose]: close,
  }
}
