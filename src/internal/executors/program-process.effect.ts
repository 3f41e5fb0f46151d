/**
 * The program host as a process: started through an executor, served over its socket, its output told to listeners.
 * What it prints is never protocol, and its standard input is empty.
 */
import { DateTime, Deferred, Duration, Effect } from "effect"
import { LaunchError } from "../../domain/error.schema.ts"
import type { ProgramEnd } from "../../domain/host-protocol.schema.ts"
import type { Plan } from "../../domain/plan.schema.ts"
import type { RunPaths } from "../../domain/run.schema.ts"
import { Settings } from "../config/settings.effect.ts"
import { controlSocket, hostSocket } from "../sockets/socket-paths.ts"
import { IoHub } from "../control/io-hub.effect.ts"
import { type LineSplitter, makeLineSplitter } from "../files/lines.ts"
import { type GroupSpec, startProcess } from "../process/process-group.effect.ts"
import type { ProcessExit } from "../process/process-starter.effect.ts"
import { reasonOf } from "../files/files.effect.ts"
import { clearSocketPlace } from "../sockets/socket-place.effect.ts"
import { type Executor, guardArgs, type HostCommand } from "./executor.effect.ts"
import { maxMessageBytes } from "./bounded-messages.effect.ts"
import { type HostHandlers, serveHost } from "./host-server.effect.ts"

/** How the host ended: the program said how, or the process ended without a word. */
export type HostEnd = ProgramEnd | { readonly type: "exited"; readonly exit: ProcessExit }

/** The longest printed line that is told whole. */
const maxLineBytes = 1024 * 1024

/** How long the host may take to exit when the program has ended, and its socket to close when it has exited. */
const patience = "2 seconds"

/** How many lines are kept of what the host says on standard error. */
const lastWordsKept = 3

const wordsOf = (exit: ProcessExit): string => (exit._tag === "Code" ? `exit code ${exit.code}` : exit.signal)

/** Runs the program of `plan` to its end. Interrupting it ends the host. */
export const runProgram = Effect.fnUntraced(function* (
  plan: Plan,
  paths: RunPaths,
  executor: Executor,
  handlers: Omit<HostHandlers, "end">,
) {
  const settings = yield* Settings
  const hub = yield* IoHub
  const socketPath = hostSocket(settings.socketDir, plan.invocation.runId)
  yield* clearSocketPlace(socketPath)
  const programEnd = yield* Deferred.make<ProgramEnd>()
  const { connected, hungUp, tooLong } = yield* serveHost(socketPath, {
    ...handlers,
    end: (end) => Effect.asVoid(Deferred.succeed(programEnd, end)),
  }).pipe(
    Effect.mapError(
      (error) => new LaunchError({ message: `cannot listen at ${socketPath}: ${error.message}` }),
    ),
  )

  /** The last that was said on standard error: the reason, where the program could not be begun. */
  let lastWords: ReadonlyArray<string> = []
  const neverCame = (exit: ProcessExit) =>
    new LaunchError({
      message: [
        `the program's process ended before the program had begun (${wordsOf(exit)})`,
        ...lastWords,
      ].join(": "),
    })
  const tell = Effect.fnUntraced(function* (stream: "stdout" | "stderr", lines: ReadonlyArray<string>) {
    if (stream === "stderr") lastWords = [...lastWords, ...lines].slice(-lastWordsKept)
    const timestamp = DateTime.formatIso(yield* DateTime.now)
    yield* hub.publish(() => lines.map((line) => ({ source: "program", stream, line, timestamp })))
  })
  const teller = (stream: "stdout" | "stderr", splitter: LineSplitter) => ({
    chunk: (chunk: Uint8Array) => Effect.suspend(() => tell(stream, splitter.push(chunk))),
    rest: Effect.suspend(() => tell(stream, splitter.end())),
  })
  const stdout = teller("stdout", makeLineSplitter({ maxLineBytes }))
  const stderr = teller("stderr", makeLineSplitter({ maxLineBytes }))

  const { runId, depth } = plan.invocation
  const mill = [settings.self.command, ...settings.self.args]
  const env = { MILL_RUN_ID: runId, MILL_RUN_DEPTH: String(depth) }
  const host = yield* executor.wrap({
    bun: settings.bun,
    script: settings.hostScript,
    planFile: paths.planFile,
    socketPath,
    mill,
    runsDir: settings.runsDir,
    env,
  })
  const start = Effect.fnUntraced(function* (
    command: HostCommand,
    output: Pick<GroupSpec, "onStdout" | "onStderr">,
  ) {
    return yield* startProcess({
      ...command,
      ...output,
      cwd: plan.invocation.cwd,
      grace: Duration.seconds(plan.limits.cancelGrace),
    }).pipe(
      Effect.mapError(
        (error) => new LaunchError({ message: `cannot start the program's process: ${reasonOf(error)}` }),
      ),
    )
  })
  let ended = false
  // Registered before the process, so it runs when that has gone.
  yield* Effect.addFinalizer(() => (ended ? Effect.void : executor.cleanUp))
  const process = yield* start(host, { onStdout: stdout.chunk, onStderr: stderr.chunk })
  if (executor.lockedIn) {
    const { bun, hostScript, socketDir } = settings
    const control = controlSocket(socketDir, runId)
    const args = [...bun.args, ...guardArgs(hostScript, control, paths.planFile), ...mill]
    const guard = { command: bun.command, args, env: { ...bun.env, ...env }, inheritEnv: true }
    yield* start(guard, { onStdout: () => Effect.void, onStderr: () => Effect.void })
  }
  const exited = process.exit.pipe(
    Effect.tap(({ _tag }) => Effect.sync(() => (ended = _tag === "Code"))),
    Effect.map(executor.exitOf),
    Effect.tap(() => Effect.all([stdout.rest, stderr.rest])),
    Effect.tap(() => Effect.timeoutOption(hungUp, patience)),
    Effect.tap((exit) => Effect.flatMap(connected, (came) => (came ? Effect.void : neverCame(exit)))),
  )
  const saidAndDone = Effect.tap(Deferred.await(programEnd), () => Effect.timeoutOption(exited, patience))
  const flooded = Effect.as(tooLong, {
    type: "failed",
    message: `the program sent more than ${maxMessageBytes / 1024 / 1024} MiB in one message`,
  } satisfies HostEnd)
  // A process that never became the host is an end too, though no success.
  return yield* Effect.raceAllFirst([
    saidAndDone,
    flooded,
    Effect.flatMap(exited, (exit) =>
      Effect.flatMap(Deferred.isDone(programEnd), (said) =>
        said ? Deferred.await(programEnd) : Effect.succeed<HostEnd>({ type: "exited", exit }),
      ),
    ),
  ])
})
