/**
 * Where the real agents play: the real `mill run` with a built-in driver, which finds the real agent on PATH, which talks
 * to the project's own model server. Everything is new for each test, HOME first of all.
 */
import { expect } from "bun:test"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import type { SubmittedRun } from "../../src/domain/run.schema.ts"
import { type AgentName, type AgentSet, agentModel, makeAgentPlace } from "../support/agents.ts"
import { type FinishedRun, type MillOptions, findProcesses, type World } from "../support/mill.ts"
import { type ModelServer, startModelServer } from "../support/model-server.ts"

export const agentNames = ["claude", "codex", "pi"] as const

/** For a test that starts agents, in milliseconds. */
export const timeout = 120_000

/** How a program names the model: pi takes its provider too. */
export const modelOf: Record<AgentName, string> = {
  claude: "claude-sonnet-5-5",
  codex: agentModel.codex,
  pi: `fake/${agentModel.pi}`,
}

/** What the server hears of it. */
export const heardModel = (model: string): string => model.replace(/^fake\//, "")

export interface Stage extends AsyncDisposable {
  readonly server: ModelServer
  /** Where the agents work; empty. */
  readonly cwd: string
  /** Runs a program to its end, and makes sure that nothing of it is left. */
  readonly run: (program: string, args?: ReadonlyArray<string>) => Promise<FinishedRun>
  /** Starts a program and leaves it going. */
  readonly submit: (program: string) => Promise<SubmittedRun>
  /** Waits for a run that was submitted; then as `run`. */
  readonly finish: (submitted: SubmittedRun) => Promise<Omit<FinishedRun, "stdout" | "stderr">>
}

const quote = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`

export type StageOptions = {
  /** Where the agent calls the model, instead of at the server's own `url`. */
  readonly through?: (url: string) => string
  /** Default: the newest version of the agent. */
  readonly set?: AgentSet
}

/** Sets the stage for one agent, in a world for its programs and its runs. */
export const setStage = async (
  world: World,
  name: AgentName,
  { set, through = (url) => url }: StageOptions = {},
): Promise<Stage> => {
  const server = await startModelServer()
  const place = await makeAgentPlace(name, through(server.url), set)
  const bin = join(dirname(place.home), "bin")
  mkdirSync(bin)
  const words = place.command.map(quote).join(" ")
  writeFileSync(join(bin, name), `#!/bin/sh\nexec ${words} "$@"\n`, { mode: 0o755 })
  // pi's own three retries take 14 seconds.
  writeFileSync(join(place.home, ".pi/agent/settings.json"), '{"retry":{"maxRetries":1,"baseDelayMs":1}}')

  // Nothing of the tester's own environment, but what makes the world.
  const forgotten = Object.keys(process.env).filter((key) => !["MILL_HOME", "NO_COLOR"].includes(key))
  const options: MillOptions = {
    cwd: place.cwd,
    env: {
      ...Object.fromEntries(forgotten.map((key) => [key, undefined])),
      ...place.env,
      PATH: `${bin}:${place.env["PATH"]}`,
    },
  }
  const nothingLeft = (runId: string) => expect(findProcesses(`MILL_RUN_ID=${runId}`)).toEqual([])

  const run: Stage["run"] = async (program, args = ["--driver", name]) => {
    const ended = await world.run(program, args, options)
    nothingLeft(ended.record.id)
    return ended
  }
  const submit: Stage["submit"] = async (program) => {
    const { stderr, stdout } = await world.mill(["run", "--json", "--driver", name, program], options)
    expect(stderr).toBe("")
    return JSON.parse(stdout)
  }
  const finish: Stage["finish"] = async ({ paths, runId }) => {
    const { code } = await world.mill(["wait", runId, "--timeout", "50", "--json"], options)
    nothingLeft(runId)
    const result = JSON.parse(readFileSync(paths.resultFile, "utf8"))
    return { code, record: world.readRecord(runId), result, events: world.readEvents(runId) }
  }
  return {
    server,
    cwd: place.cwd,
    run,
    submit,
    finish,
    [Symbol.asyncDispose]: async () => {
      await server.close()
      await place[Symbol.asyncDispose]()
    },
  }
}

/** Writes a program that spawns agents in parallel and returns the outcome of each, failed or not. */
export const writeSpawns = (
  world: World,
  file: string,
  spawns: ReadonlyArray<{ readonly systemPrompt?: string; readonly prompt: string; readonly model: string }>,
): string =>
  world.write(
    file,
    `const spawns = ${JSON.stringify(spawns.map((spawn) => ({ agent: "a", systemPrompt: "S", ...spawn })))}
const failed = ({ cause, message, result }) => ({ failed: { cause, message }, ...result })
export default await Promise.all(spawns.map((spawn) => mill.spawn(spawn).catch(failed)))\n`,
  )

/** Makes a driver with this codec, an expression, the one that is used where the agents of a stage work. */
export const writeDriver = (stage: Stage, name: AgentName, codec: string): void =>
  writeFileSync(
    join(stage.cwd, "mill.config.ts"),
    `import { claudeCodec, codexCodec, defineConfig, piCodec, processDriver } from "@mill/core"
export default defineConfig({
  defaultDriver: "mine",
  drivers: { mine: processDriver({ command: "${name}", codec: ${codec} }) },
})\n`,
  )
