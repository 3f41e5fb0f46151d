/** Where a test runs programs: a temporary folder, agents that the test itself plays, and nothing left at the end. */
import { Cause, Effect, Exit, FileSystem, Layer, Logger, Result, Stream } from "effect"
import { SecureRandom } from "effect/crypto"
import { RpcServer } from "effect/rpc"
import { SocketServer } from "effect/socket"
import type { JsonlLine } from "../../codecs/jsonl.codec.ts"
import { findJsonProblem } from "../../domain/json-problem.ts"
import { type SpawnRefused, StoreError } from "../../domain/error.schema.ts"
import { ScriptedResult, type ScriptedStep } from "../../domain/scripted-agent.schema.ts"
import type { SpawnOptions } from "../../domain/spawn.schema.ts"
import { decodeUntrusted, formatProblem } from "../../domain/untrusted.ts"
import { Settings } from "../../internal/config/settings.effect.ts"
import { Processes } from "../../internal/process/processes.effect.ts"
import { clearSocketPlace } from "../../internal/sockets/socket-place.effect.ts"
import { Sockets } from "../../internal/sockets/sockets.effect.ts"
import { toStoreError } from "../../internal/files/files.effect.ts"
import { readLastOwner } from "../../internal/store/owner-lock.effect.ts"
import * as Environment from "../platform/environment.effect.ts"
import { removeAtExit } from "../bun/remove-at-exit.ts"
import * as PlatformLayer from "../platform/platform.effect.ts"
import { ScriptedRpcs, serialization } from "./scripted-protocol.effect.ts"

/** What the test's agents answer, whatever that is; a failure is the agent's. */
export type Answer = (spawn: SpawnOptions) => Effect.Effect<unknown, SpawnRefused>

const decodeResult = decodeUntrusted(ScriptedResult, { whole: "its answer" })

const print = (line: JsonlLine): ScriptedStep => ({ _tag: "Print", line: JSON.stringify(line) })

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

const failed = (message: string): ReadonlyArray<ScriptedStep> => [
  print({ type: "error", message }),
  { _tag: "Exit", code: 0 },
]

const ending = (result: ScriptedResult): ReadonlyArray<ScriptedStep> => {
  const { crash, errorMessage, exitCode, hang, sessionRef, stopReason, text, usage } = result
  if (hang === true) return []
  if (crash === true) return [{ _tag: "Crash" }]
  const exit: ScriptedStep = { _tag: "Exit", code: exitCode ?? 0 }
  if (errorMessage !== undefined) return [print({ type: "error", message: errorMessage }), exit]
  if (exitCode !== undefined && text === undefined) return [exit]
  const answer: JsonlLine = {
    type: "result",
    text: text ?? "",
    ...(sessionRef === undefined ? {} : { sessionRef }),
    ...(stopReason === undefined ? {} : { stopReason }),
    ...(usage === undefined ? {} : { usage }),
  }
  return [print(answer), exit]
}

const stepsOf = (result: ScriptedResult): ReadonlyArray<ScriptedStep> => [
  ...(result.stderr === undefined ? [] : [{ _tag: "Complain" as const, text: result.stderr }]),
  ...(result.toolCalls ?? []).map(({ input, toolName }) =>
    print({ type: "tool_call", toolName, ...(input === undefined ? {} : { input }) }),
  ),
  ...(result.milestones ?? []).map((message) => print({ type: "milestone", message })),
  ...ending(result),
]

/** The first input of a tool that cannot be told. */
const inputsProblem = ({ toolCalls = [] }: ScriptedResult): string | undefined => {
  for (const [index, { input }] of toolCalls.entries()) {
    const problem = input === undefined ? undefined : findJsonProblem(input)
    if (problem !== undefined) return `toolCalls.${index}.input is not JSON: ${problem}`
  }
  return undefined
}

/** The steps for what an agent has given; without an exit among them, nothing follows for ever. */
const stepsFor = (given: Exit.Exit<unknown, SpawnRefused>): ReadonlyArray<ScriptedStep> => {
  if (Exit.isFailure(given)) return failed(messageOf(Cause.squash(given.cause)))
  const value = typeof given.value === "string" ? { text: given.value } : given.value
  const decoded = decodeResult(value)
  if (Result.isSuccess(decoded)) {
    const problem = inputsProblem(decoded.success)
    return problem === undefined ? stepsOf(decoded.success) : failed(`the test's agent: ${problem}`)
  }
  return failed(`the test's agent: ${formatProblem(decoded.failure)}`)
}

const serve = Effect.fnUntraced(function* (path: string, answer: Answer) {
  const sockets = yield* Sockets
  yield* clearSocketPlace(path)
  const server = yield* sockets
    .listen(path)
    .pipe(
      Effect.mapError(
        (error) => new StoreError({ path, message: `cannot listen at ${path}: ${error.message}` }),
      ),
    )
  const layer = RpcServer.layer(ScriptedRpcs, { disableTracing: true, disableFatalDefects: true }).pipe(
    Layer.provide(
      ScriptedRpcs.toLayer({
        spawn: ({ agent, model, prompt, systemPrompt }) =>
          Stream.unwrap(
            Effect.exit(answer({ agent, systemPrompt, prompt, model })).pipe(
              Effect.map(stepsFor),
              Effect.catchDefect(() =>
                Effect.succeed(failed("the test's agent: its answer cannot be read: reading a value throws")),
              ),
              Effect.map((steps) => Stream.concat(Stream.fromIterable(steps), Stream.never)),
            ),
          ),
      }),
    ),
    Layer.provide(RpcServer.layerProtocolSocketServer),
    Layer.provide(Layer.succeed(SocketServer.SocketServer, server)),
    Layer.provide(serialization),
  )
  yield* Layer.build(layer)
})

/** How long the processes of runs that have ended may take to leave. */
const patience = "10 seconds"

/** Opens a stage for as long as the scope lives. */
export const openStage = Effect.fn("TestStage.open")(function* (answer: Answer) {
  const fs = yield* FileSystem.FileSystem
  const { self, socketDir } = yield* Settings
  const folder = yield* fs
    .makeTempDirectoryScoped({ prefix: "mill-test-" })
    .pipe(Effect.mapError(toStoreError("a temporary folder", "make")))
  // A test that runs out of its time is abandoned: nothing closes its scope.
  yield* Effect.acquireRelease(
    Effect.sync(() => removeAtExit(folder)),
    (stop) => Effect.sync(stop),
  )
  const socket = `${socketDir}/test-${yield* (yield* SecureRandom.SecureRandom).ulid}`
  yield* serve(socket, answer)
  const { awaitGone } = yield* Processes
  const runsDir = `${folder}/runs`
  const owners = Effect.gen(function* () {
    const names = yield* Effect.orElseSucceed(fs.readDirectory(runsDir), () => [])
    const found = yield* Effect.forEach(names, (name) => Effect.option(readLastOwner(`${runsDir}/${name}`)))
    return found.flatMap((owner) => (owner._tag === "Some" && owner.value !== undefined ? [owner.value] : []))
  })
  return {
    folder,
    runsDir,
    /** How an agent that the test plays is started. */
    agent: { command: self.command, args: [...self.args, "_scripted-agent", socket] },
    /** Writes a program into the folder, and gives its path. */
    write: (name: string, text: string) => {
      const path = `${folder}/${name}`
      return fs
        .writeFileString(path, text)
        .pipe(Effect.as(path), Effect.mapError(toStoreError(path, "write")))
    },
    /** Waits until the workers of all runs, which have ended, are gone. */
    deserted: Effect.gen(function* () {
      const workers = (yield* owners).filter(({ identity }) => identity.pid !== process.pid)
      yield* Effect.forEach(workers, ({ identity }) => awaitGone(identity, patience), {
        concurrency: "unbounded",
        discard: true,
      })
    }).pipe(Effect.provideService(FileSystem.FileSystem, fs)),
  }
})

/** What a stage needs. */
export const layer = Environment.layer({ runsDir: "." }).pipe(
  Layer.provideMerge(PlatformLayer.layer),
  // Agents that are killed break their connections; what comes of it is in the run, and none of it belongs in a test's output.
  Layer.provideMerge(Logger.layer([])),
)
