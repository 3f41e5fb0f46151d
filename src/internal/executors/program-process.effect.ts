/**
 * Runs a program in its host, a separate process that is served over a socket. Its output is never taken for protocol, and
 * its standard input is empty.
 */
import { Deferred, Effect } from "effect"
import { LaunchError } from "../../domain/error.schema.ts"
import type { ProgramEnd } from "../../domain/host-protocol.schema.ts"
import type { Plan } from "../../domain/plan.schema.ts"
import type { RunPaths } from "../../domain/run.schema.ts"
import { Settings } from "../config/settings.effect.ts"
import { formatExit, type ProcessExit } from "../process/started-process.ts"
import { hostSocket } from "../sockets/socket-paths.ts"
import { clearSocketPlace } from "../sockets/socket-place.effect.ts"
import { maxMessageBytes } from "./bounded-messages.effect.ts"
import type { Executor } from "./executor.effect.ts"
import { makeHostOutput } from "./host-output.effect.ts"
import { startHost } from "./host-process.effect.ts"
import { type HostHandlers, serveHost } from "./host-server.effect.ts"

/** How a program ended: as it reported, or with the exit of its process. */
export type HostEnd = ProgramEnd | { readonly type: "exited"; readonly exit: ProcessExit }

/** How long the host may take to exit when the program has ended, and its socket to close when it has exited. */
const patience = "2 seconds"

const flooded: HostEnd = {
  type: "failed",
  message: `the program sent more than ${maxMessageBytes / 1024 / 1024} MiB in one message`,
}

/** Runs the program of `plan` to its end. Interrupting it ends the host. */
export const runProgram = Effect.fnUntraced(function* (
  plan: Plan,
  paths: RunPaths,
  executor: Executor,
  handlers: Omit<HostHandlers, "end">,
) {
  const { socketDir } = yield* Settings
  const socketPath = hostSocket(socketDir, plan.invocation.runId)
  yield* clearSocketPlace(socketPath)
  const reported = yield* Deferred.make<ProgramEnd>()
  const { connected, hungUp, tooLong } = yield* serveHost(socketPath, {
    ...handlers,
    end: (end) => Effect.asVoid(Deferred.succeed(reported, end)),
  }).pipe(
    Effect.mapError(
      (error) => new LaunchError({ message: `cannot listen on ${socketPath}: ${error.message}` }),
    ),
  )
  const output = yield* makeHostOutput
  const { awaitExit } = yield* startHost(plan, paths, executor, socketPath, output)

  const exited = Effect.gen(function* () {
    const how = yield* awaitExit
    yield* output.end
    yield* Effect.timeoutOption(hungUp, patience)
    if (yield* connected) return how
    const ended = `the program's process exited before the program started (${formatExit(how)})`
    return yield* new LaunchError({ message: [ended, ...output.lastLines()].join(": ") })
  })
  return yield* Effect.raceAllFirst([
    Effect.tap(Deferred.await(reported), () => Effect.timeoutOption(exited, patience)),
    Effect.as(tooLong, flooded),
    Effect.flatMap(exited, (exit) =>
      Effect.flatMap(Deferred.isDone(reported), (done) =>
        done ? Deferred.await(reported) : Effect.succeed<HostEnd>({ type: "exited", exit }),
      ),
    ),
  ])
})
