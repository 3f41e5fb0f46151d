/**
 * The process driver: runs a spawn as a command in its own process group, with an argument vector and no shell. The
 * codec decides how the prompt is passed. Standard error is drained, and its end is kept.
 */
import { Duration, Effect, FileSystem, Option, Result, Stream } from "effect"
import type { PlatformError } from "effect/PlatformError"
import { ChildProcess } from "effect/process"
import { defaultMaxLineBytes, type ProcessDriverConfig } from "../../domain/config.schema.ts"
import type { AgentCall, AgentExit, AgentOutcome, Codec, SpawnInput } from "../../domain/driver.schema.ts"
import { SpawnRefused, readSystemCode } from "../../domain/error.schema.ts"
import type { PlanProcessDriver } from "../../domain/plan.schema.ts"
import type { AgentReport } from "../../domain/spawn-verdict.schema.ts"
import { Settings } from "../config/settings.effect.ts"
import { makeLineSplitter } from "../files/lines.ts"
import { Processes } from "../process/processes.effect.ts"
import type { ProcessExit } from "../process/started-process.ts"
import { directoryMode, fileMode, describeReason } from "../files/files.effect.ts"
import { AcpClient } from "./acp-client.effect.ts"
import type { AcpEnd } from "./acp-conversation.effect.ts"
import { makeAcpSession } from "./acp-session.effect.ts"
import type { Driver, DriverRequest } from "./driver.effect.ts"
import { makeLineDecoder } from "./line-decoder.ts"
import { makeSessionUsage, type SessionTurn } from "./session-usage.ts"
import { makeTail } from "./tail.ts"

/** How much of the end of standard error is kept, in bytes. */
const stderrBytes = 8 * 1024

/** The longest line of standard error that listeners get whole. */
const stderrLineBytes = 1024 * 1024

const refuse = (message: string, cause: SpawnRefused["cause"] = "codec") =>
  new SpawnRefused({ cause, message })

/** Makes the driver of a plan, with the codec and the values of its configuration. */
export const makeProcessDriver = Effect.fnUntraced(function* (
  { cancelGrace, command, name }: PlanProcessDriver,
  config: ProcessDriverConfig,
) {
  const fs = yield* FileSystem.FileSystem
  const processes = yield* Processes
  const acp = yield* AcpClient
  const { millVersion } = yield* Settings
  const sessionUsage = makeSessionUsage()

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
    Effect.mapError((error) =>
      refuse(`driver ${name}: cannot write the files for the spawn: ${describeReason(error)}`),
    ),
  )

  /** A resumed conversation may keep its own model. */
  const defaultModelFor: Driver["defaultModelFor"] = ({ model, sessionRef }) =>
    model !== undefined || (sessionRef !== undefined && config.codec.keepsModel)
      ? undefined
      : config.defaultModel

  const run: Driver["run"] = Effect.fn("ProcessDriver.run")(function* (request) {
    const turn = sessionUsage.start(request.input.sessionRef)
    return yield* Effect.ensuring(runAgent(request, turn), Effect.sync(turn.end))
  })

  const runAgent = Effect.fnUntraced(function* (request: DriverRequest, turn: SessionTurn) {
    const { codec } = config
    if (request.input.sessionRef !== undefined && !codec.resumes) {
      return yield* refuse(`sessionRef: driver ${name} cannot resume sessions (codec ${codec.name})`)
    }
    const model = request.input.model ?? defaultModelFor(request.input)
    const input = { ...request.input, model, scratchDir: request.scratchDir }
    const cwd = config.cwd ?? request.cwd
    const call = yield* encodeCall(codec, input)
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

    let isEnded = false
    const decode = Effect.fnUntraced(function* (lines: ReadonlyArray<string>) {
      const events = isEnded ? [] : decoder.push(lines)
      yield* request.onLines("stdout", lines, stdout.takeOverlong())
      if (events.length > 0) yield* request.onEvents(events)
      // Last, as an answer may end the spawn: the events before it must have been logged.
      session?.receive(lines)
    })
    request.offerReport(() => {
      decoder.push(stdout.end())
      const exit = { overlongLines: stdout.overlongLines }
      const outcome = Option.getOrUndefined(Result.getSuccess(decoder.end(exit)))
      return outcome && { outcome: turn.settle(outcome), exit, stderr: stderrTail.text() }
    })
    const text = call.stdin === undefined ? undefined : Stream.encodeText(Stream.succeed(call.stdin))
    const agent = ChildProcess.make(command, [...(config.args ?? []), ...call.args], {
      cwd,
      env: { ...config.env, ...call.env, ...request.env },
      extendEnv: true,
      stdin: session?.stdin ?? text ?? "ignore",
    })
    const process = yield* processes
      .start(agent, {
        grace: Duration.seconds(cancelGrace),
        onStdout: (chunk) => Effect.suspend(() => decode(stdout.push(chunk))),
        onStderr: (chunk) =>
          Effect.suspend(() => {
            stderrTail.push(chunk)
            return request.onLines("stderr", stderr.push(chunk), stderr.takeOverlong())
          }),
      })
      .pipe(Effect.mapError((error) => toRefusal(name, command, error)))
    yield* request.onStart(process)
    const end: AcpEnd = session === undefined ? { exit: yield* process.exit } : yield* session.hold(process)
    yield* decode(stdout.end())
    yield* request.onLines("stderr", stderr.end())
    isEnded = true
    const exit = toAgentExit(end.exit, stdout.overlongLines)
    const decoded = turn.settle(yield* Effect.fromResult(decoder.end(exit)))
    const outcome = { ...decoded, model: decoded.model ?? end.model }
    const failure = findFailure(end, outcome)
    return { outcome, exit, stderr: stderrTail.text(), failure } satisfies AgentReport
  })
  return { name, defaultModelFor, run } satisfies Driver
})

/** Encodes the call. A codec that throws refuses the spawn. */
const encodeCall = (codec: Codec, input: SpawnInput) =>
  Effect.flatMap(
    Effect.try({
      try: () => codec.encodeSpawn(input),
      catch: (error) => refuse(`codec ${codec.name} failed: ${String(error)}`),
    }),
    Effect.fromResult,
  )

const toAgentExit = (exit: ProcessExit | undefined, overlongLines: number): AgentExit => {
  if (exit === undefined) return { overlongLines }
  return exit._tag === "Code" ? { code: exit.code, overlongLines } : { signal: exit.signal, overlongLines }
}

/** Why the agent was abandoned. The codec's message is preferred for an error that the agent has reported itself. */
const findFailure = ({ failure }: AcpEnd, { errorMessage }: AgentOutcome): AgentReport["failure"] =>
  failure === undefined || (failure.cause === "agent-error" && errorMessage !== undefined)
    ? undefined
    : { cause: failure.cause, message: failure.message }

const toRefusal = (name: string, command: string, error: PlatformError): SpawnRefused =>
  readSystemCode(error.reason.cause) === "E2BIG"
    ? refuse(`driver ${name}: an argument is longer than the system allows`)
    : error.reason._tag === "BadArgument"
      ? refuse(`driver ${name}: ${error.reason.description ?? "invalid argument"}`)
      : refuse(`driver ${name}: cannot start ${command}: ${describeReason(error)}`, "not-found")
