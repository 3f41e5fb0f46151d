/**
 * The process driver: an agent that is a command. One process group for each spawn, argument vectors only, prompts by
 * the way the codec chooses, standard error drained and its end kept.
 */
import { Duration, Effect, FileSystem } from "effect"
import type { PlatformError } from "effect/PlatformError"
import { defaultMaxLineBytes, type ProcessDriverConfig } from "../../domain/config.schema.ts"
import type { AgentCall, AgentExit, AgentOutcome, Codec, SpawnInput } from "../../domain/driver.schema.ts"
import { SpawnRefused, readSystemCode } from "../../domain/error.schema.ts"
import type { PlanProcessDriver } from "../../domain/plan.schema.ts"
import type { AgentReport } from "../../domain/spawn-verdict.schema.ts"
import { Settings } from "../config/settings.effect.ts"
import { makeLineSplitter } from "../files/lines.ts"
import { startProcess } from "../process/process-group.effect.ts"
import { type ProcessExit, ProcessStarter } from "../process/process-starter.effect.ts"
import { directoryMode, fileMode, reasonOf } from "../files/files.effect.ts"
import { AcpClient } from "./acp-client.effect.ts"
import { type AcpEnd, makeAcpSession } from "./acp-session.effect.ts"
import type { Driver, DriverRequest } from "./driver.effect.ts"
import { makeLineDecoder } from "./line-decoder.effect.ts"
import { makeTail } from "./tail.ts"

/** How much of the end of standard error is kept, in bytes. */
const stderrBytes = 8 * 1024

/** The longest line of standard error that is told to listeners whole. */
const stderrLineBytes = 1024 * 1024

/** The driver of a plan, with the codec and the values that its configuration gives. */
export const makeProcessDriver = Effect.fnUntraced(function* (
  { cancelGrace, command, name }: PlanProcessDriver,
  config: ProcessDriverConfig,
) {
  const fs = yield* FileSystem.FileSystem
  const starter = yield* ProcessStarter
  const acp = yield* AcpClient
  const { millVersion } = yield* Settings

  const prepare = Effect.fnUntraced(
    function* (request: DriverRequest, call: AgentCall) {
      const files = Object.entries(call.files ?? {})
      if (files.length === 0) return
      yield* Effect.acquireRelease(
        fs.makeDirectory(request.scratchDir, { recursive: true, mode: directoryMode }),
        () => Effect.ignore(fs.remove(request.scratchDir, { recursive: true, force: true })),
      )
      for (const [path, contents] of files) yield* fs.writeFileString(path, contents, { mode: fileMode })
    },
    Effect.mapError(
      (error) =>
        new SpawnRefused({
          cause: "codec",
          message: `cannot prepare the call of ${name}: ${reasonOf(error)}`,
        }),
    ),
  )

  const run: Driver["run"] = Effect.fn("ProcessDriver.run")(function* (request) {
    const { codec } = config
    const resumed = request.input.sessionRef !== undefined
    if (resumed && !codec.resumes) {
      const message = `sessionRef: driver ${name} cannot go on with an earlier conversation (codec ${codec.name})`
      return yield* new SpawnRefused({ cause: "codec", message })
    }
    const input = { ...request.input, scratchDir: request.scratchDir }
    const cwd = config.cwd ?? request.cwd
    const call = yield* encode(codec, input)
    yield* prepare(request, call)
    const { conversation } = codec
    const session =
      conversation === undefined
        ? undefined
        : yield* makeAcpSession({ conversation, input, cwd, millVersion }).pipe(
            Effect.provideService(AcpClient, acp),
          )

    const stdout = makeLineSplitter({ maxLineBytes: config.maxLineBytes ?? defaultMaxLineBytes })
    const stderr = makeLineSplitter({ maxLineBytes: stderrLineBytes })
    const stderrTail = makeTail(stderrBytes)
    const decoder = makeLineDecoder(codec)

    let over = false
    const decode = Effect.fnUntraced(function* (lines: ReadonlyArray<string>) {
      const events = over ? [] : decoder.push(lines)
      yield* request.onLines("stdout", lines)
      if (events.length > 0) yield* request.onEvents(events)
      // Only now: an answer ends the spawn, and what came before it must have been told.
      session?.receive(lines)
    })
    const process = yield* startProcess({
      command,
      args: [...(config.args ?? []), ...call.args],
      cwd,
      env: { ...config.env, ...call.env, ...request.env },
      stdin: session?.stdin ?? call.stdin,
      grace: Duration.seconds(cancelGrace),
      onStdout: (chunk) => Effect.suspend(() => decode(stdout.push(chunk))),
      onStderr: (chunk) =>
        Effect.suspend(() => {
          stderrTail.push(chunk)
          return request.onLines("stderr", stderr.push(chunk))
        }),
    }).pipe(
      Effect.mapError((error) => notStarted(name, command, error)),
      Effect.provideService(ProcessStarter, starter),
      Effect.provideService(FileSystem.FileSystem, fs),
    )
    yield* request.onStart(process)
    const ended: AcpEnd = session === undefined ? { exit: yield* process.exit } : yield* session.hold(process)
    yield* decode(stdout.end())
    yield* request.onLines("stderr", stderr.end())
    over = true
    const exit = agentExit(ended.exit, stdout.overlongLines)
    const { usage, ...rest } = yield* Effect.fromResult(decoder.end(exit))
    const outcome = usage === undefined || (resumed && codec.usageOfSession) ? rest : { ...rest, usage }
    return {
      outcome,
      exit,
      stderr: stderrTail.text(),
      ...failureOf(ended, outcome),
    } satisfies AgentReport
  })
  return { name, run } satisfies Driver
})

/** The call, or why there is none; a codec that throws has refused. */
const encode = (codec: Codec, input: SpawnInput) =>
  Effect.flatMap(
    Effect.try({
      try: () => codec.encodeSpawn(input),
      catch: (error) =>
        new SpawnRefused({ cause: "codec", message: `the codec ${codec.name} failed: ${String(error)}` }),
    }),
    Effect.fromResult,
  )

const agentExit = (exit: ProcessExit | undefined, overlongLines: number): AgentExit => {
  if (exit === undefined) return { overlongLines }
  return exit._tag === "Code" ? { code: exit.code, overlongLines } : { signal: exit.signal, overlongLines }
}

/** Why the agent was given up, unless that is what it said itself, which its codec words better. */
const failureOf = ({ failure }: AcpEnd, { errorMessage }: AgentOutcome): Pick<AgentReport, "failure"> =>
  failure === undefined || (failure.cause === "agent-error" && errorMessage !== undefined)
    ? {}
    : { failure: { cause: failure.cause, message: failure.message } }

const notStarted = (name: string, command: string, error: PlatformError): SpawnRefused => {
  return readSystemCode(error.reason.cause) === "E2BIG"
    ? new SpawnRefused({
        cause: "codec",
        message: `driver ${name}: an argument is longer than the system allows`,
      })
    : error.reason._tag === "BadArgument"
      ? new SpawnRefused({
          cause: "codec",
          message: `driver ${name}: ${error.reason.description ?? "bad argument"}`,
        })
      : new SpawnRefused({
          cause: "not-found",
          message: `driver ${name}: cannot start ${command}: ${reasonOf(error)}`,
        })
}
