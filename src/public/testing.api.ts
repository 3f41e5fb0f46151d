/**
 * `@mill/core/testing`: runs programs in tests, with agents that the test itself plays. Everything else is real: the
 * worker, the program's process, a process for each agent, the event log. Works with any test runner on Bun.
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
import { withTestDriver } from "../runtime/testing/test-config.effect.ts"
import * as TestStage from "../runtime/testing/test-stage.effect.ts"
import { processDriver } from "./config.api.ts"
import { createMill } from "./engine.api.ts"
import type { Abortable, MillClient } from "./library.api.ts"
import type { MillConfig } from "./types.ts"

/** What an agent answers: its text, or more than that. */
export type AgentAnswer = string | AgentResult

/** All of it may be absent. */
export interface AgentResult extends ScriptedResult {}

/**
 * An agent of a test. What it throws, or is rejected with, fails the spawn with that message. `signal` is aborted when
 * the spawn is cancelled.
 */
export type TestAgent = (
  spawn: SpawnOptions,
  context: { readonly signal: AbortSignal },
) => AgentAnswer | Promise<AgentAnswer>

/** What a test is to have. */
export interface TestMillOptions {
  /** One agent for all spawns, or several by the names that spawns call them; an answer alone is always the same. */
  readonly agents: TestAgent | Readonly<Record<string, TestAgent | AgentAnswer>>
  /** Where programs work, and where their paths are meant from: the process's own directory when absent. */
  readonly cwd?: string | undefined
  /**
   * More of a configuration, such as other drivers: an object (see `EngineOptions`), or the path of the project's own file,
   * which may hold extensions too. Its default driver is the test's agents.
   */
  readonly config?: string | Omit<MillConfig, "defaultDriver"> | undefined
}

/** How a program is run. */
export interface TestRunOptions extends Abortable {
  /** What the program finds in `mill.args`. */
  readonly args?: ReadonlyArray<string> | undefined
  readonly metadata?: Readonly<Record<string, string>> | undefined
  /** Another driver than the test's agents, such as `offline`. */
  readonly driver?: string | undefined
  readonly executor?: string | undefined
}

/** A spawn of a run that has ended, and what was asked. */
export interface TestSpawn extends SpawnSummary {
  readonly input: SpawnOptions
}

/** A run that has ended, and all that it left. */
export interface TestRun {
  readonly record: RunRecord
  readonly result: RunResult
  readonly events: ReadonlyArray<MillEvent>
  /** In order of start. */
  readonly spawns: ReadonlyArray<TestSpawn>
}

/** A place to run programs in. Closing it ends what runs, and removes everything. */
export interface TestMill extends AsyncDisposable {
  /** Runs a program to its end: a file's path or URL, or its own text, which is put into a folder of its own. */
  run(program: string | URL | { readonly source: string }, options?: TestRunOptions): Promise<TestRun>
  /** Waits for the end of a run that was submitted with `mill`. */
  wait(run: string, options?: Abortable): Promise<TestRun>
  /** All that can be done with runs, such as submitting and cancelling them. */
  readonly mill: MillClient
  close(): Promise<void>
}

/** The agent's process exits with this code. Without a text it has not answered. */
export const exit = (exitCode: number, text?: string): AgentResult =>
  text === undefined ? { exitCode } : { exitCode, text }

/** The agent's process is killed before it answers. */
export const crash = (): AgentResult => ({ crash: true })

/** The agent never answers: it ends when the run does. */
export const hang = (): AgentResult => ({ hang: true })

/** No test has as many runs. */
const maxRuns = 1_000_000

type Opened = Effect.Success<ReturnType<typeof TestStage.openStage>>
class Stage extends Context.Service<Stage, Opened>()("mill/public/TestStage") {}

const answerOf = async (
  agents: TestMillOptions["agents"],
  spawn: SpawnOptions,
  signal: AbortSignal,
): Promise<AgentAnswer> => {
  if (typeof agents === "function") return agents(spawn, { signal })
  const names = Object.keys(agents)
  const agent = names.includes(spawn.agent) ? agents[spawn.agent] : undefined
  if (typeof agent === "function") return agent(spawn, { signal })
  return agent ?? { errorMessage: `the test has no agent ${spawn.agent}; it has ${names.join(", ")}` }
}

const ended = async (mill: MillClient, run: string, signal: AbortSignal | undefined): Promise<TestRun> => {
  const events: Array<MillEvent> = []
  for await (const { event, known } of mill.watch(run, { signal })) if (known) events.push(event)
  await mill.wait(run, { signal })
  const { result, run: record } = await mill.inspect(run)
  // One that has ended has a result.
  if (result === undefined) return ended(mill, run, signal)
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

/** What is there before a kit is, and after it. */
const bareRuntime = ManagedRuntime.make(Layer.empty)
const closed = new UsageError({ message: "this kit is closed", hint: "make another with createTestMill()" })

/** Makes a place to run programs in, whose agents are those of the test. */
export const createTestMill = async (options: TestMillOptions): Promise<TestMill> => {
  await bareRuntime.runPromise(checkTestOptions(options))
  const { agents, config, cwd } = options
  const answer: TestStage.Answer = (spawn) =>
    Effect.tryPromise({
      try: (signal) => answerOf(agents, spawn, signal),
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
  const configured = async (): Promise<string | MillConfig> => {
    if (typeof config !== "string") {
      return { ...config, defaultDriver: "test", drivers: { ...config?.drivers, test: agent } }
    }
    const text = await stageRuntime.runPromise(
      Effect.provide(withTestDriver(config, cwd, stage.agent), TestStage.layer),
    )
    return stageRuntime.runPromise(stage.write("mill.config.ts", text))
  }
  const agent = processDriver({ ...stage.agent, codec: jsonlCodec() })
  const mill = createMill({
    cwd,
    runsDir: stage.runsDir,
    config: await configured(),
  })
  let programs = 0

  const pathOf = async (program: string | URL | { readonly source: string }): Promise<string> => {
    if (typeof program === "string") return program
    if (program instanceof URL) return decodeURIComponent(program.pathname)
    programs += 1
    return stageRuntime.runPromise(stage.write(`program-${programs}.ts`, program.source))
  }
  const end = async () => {
    // Where nothing could be started, there is nothing to end.
    const { runs } = await mill.list({ limit: maxRuns }).catch(() => ({ runs: [] }))
    for (const { id, status } of runs)
      if (!isTerminalStatus(status)) await mill.cancel(id, "the test is over")
    await stageRuntime.runPromise(stage.deserted)
    await mill.close()
    await stageRuntime.dispose()
  }
  let ending: Promise<void> | undefined
  const close = () => {
    ending ??= end()
    return ending
  }
  const whileOpen = () => bareRuntime.runPromise(ending === undefined ? Effect.void : Effect.fail(closed))
  return {
    run: async (program, { signal, ...input } = {}) => {
      await whileOpen()
      const { runId } = await mill.submit({ program: await pathOf(program), ...input })
      return ended(mill, runId, signal)
    },
    wait: async (run, { signal } = {}) => {
      await whileOpen()
      return ended(mill, run, signal)
    },
    mill,
    close,
    [Symbol.asyncDispose]: close,
  }
}
