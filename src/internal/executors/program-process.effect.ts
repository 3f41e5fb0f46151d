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
import { hostSocket } from "../control/control-protocol.effect.ts"
import { IoHub } from "../control/io-hub.effect.ts"
import { type LineSplitter, makeLineSplitter } from "../process/lines.effect.ts"
import { type ProcessExit, startProcess } from "../process/process-group.effect.ts"
import { reasonOf } from "../store/files.effect.ts"
import { clearSocketPlace } from "../process/socket-place.effect.ts"
import type { Executor } from "./executor.effect.ts"
import { type HostHandlers, serveHost } from "./host-server.effect.ts"

/** How the host ended: the program said how, or the process ended without a word. */
export type HostEnd = ProgramEnd | { readonly type: "exited"; readonly exit: ProcessExit }

/** The longest printed line that is told whole. */
const maxLineBytes = 1024 * 1024

/** How long the host may take to exit when the program has ended, and its socket to close when it has exited. */
const patience = "2 seconds"

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
  const { hungUp } = yield* serveHost(socketPath, {
    ...handlers,
    end: (end) => Effect.asVoid(Deferred.succeed(programEnd, end)),
  }).pipe(
    Effect.mapError(
      (error) => new LaunchError({ message: `cannot listen at ${socketPath}: ${error.message}` }),
    ),
  )

  const tell = Effect.fnUntraced(function* (stream: "stdout" | "stderr", lines: ReadonlyArray<string>) {
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
  const host = executor.wrap({
    command: settings.bun.command,
    args: [
      ...settings.bun.args,
      settings.hostScript,
      paths.planFile,
      socketPath,
      settings.self.command,
      ...settings.self.args,
    ],
    env: {
      ...settings.bun.env,
      MILL_RUN_ID: runId,
      MILL_RUN_DEPTH: String(depth),
      MILL_RUNS_DIR: settings.runsDir,
    },
  })
  const process = yield* startProcess({
    ...host,
    cwd: plan.invocation.cwd,
    grace: Duration.seconds(plan.limits.cancelGrace),
    onStdout: stdout.chunk,
    onStderr: stderr.chunk,
  }).pipe(
    Effect.mapError(
      (error) => new LaunchError({ message: `cannot start the program's process: ${reasonOf(error)}` }),
    ),
  )
  const exited = process.exit.pipe(
    Effect.tap(() => Effect.all([stdout.rest, stderr.rest])),
    Effect.tap(() => Effect.timeoutOption(hungUp, patience)),
  )
  const saidAndDone = Effect.tap(Deferred.await(programEnd), () => Effect.timeoutOption(exited, patience))
  return yield* Effect.race(
    saidAndDone,
    Effect.flatMap(exited, (exit) =>
      Effect.flatMap(Deferred.isDone(programEnd), (said) =>
        said ? Deferred.await(programEnd) : Effect.succeed<HostEnd>({ type: "exited", exit }),
      ),
    ),
  )
})
