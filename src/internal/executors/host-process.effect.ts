/**
 * The process of the program host, started through an executor. A host in a sandbox has a guard: a process outside the
 * sandbox that settles the run when the worker is gone.
 */
import { Duration, Effect } from "effect"
import { ChildProcess } from "effect/process"
import { LaunchError } from "../../domain/error.schema.ts"
import type { Plan } from "../../domain/plan.schema.ts"
import { runMarks } from "../../domain/run-marks.ts"
import type { RunPaths } from "../../domain/run.schema.ts"
import { Settings } from "../config/settings.effect.ts"
import { describeReason } from "../files/files.effect.ts"
import { Processes } from "../process/processes.effect.ts"
import type { StartOptions } from "../process/started-process.ts"
import { controlSocket } from "../sockets/socket-paths.ts"
import { type Executor, buildGuardArgs, type HostCommand } from "./executor.effect.ts"

/** Starts the host and returns the effect that waits for its exit. The scope ends the process. */
export const startHost = Effect.fnUntraced(function* (
  { invocation, limits }: Plan,
  paths: RunPaths,
  executor: Executor,
  socketPath: string,
  output: Omit<StartOptions, "grace">,
) {
  const processes = yield* Processes
  const { bun, hostScript, runsDir, self, socketDir } = yield* Settings
  const mill = [self.command, ...self.args]
  const env = { [runMarks.runId]: invocation.runId, [runMarks.depth]: String(invocation.depth) }
  const start = ({ args, command, env, inheritEnv }: HostCommand, listener: typeof output) =>
    processes
      .start(
        ChildProcess.make(command, args, {
          cwd: invocation.cwd,
          env,
          extendEnv: inheritEnv,
          stdin: "ignore",
        }),
        { ...listener, grace: Duration.seconds(limits.cancelGrace) },
      )
      .pipe(
        Effect.mapError(
          (error) =>
            new LaunchError({ message: `cannot start the program's process: ${describeReason(error)}` }),
        ),
      )

  const host = yield* executor.wrap({
    bun,
    script: hostScript,
    planFile: paths.planFile,
    socketPath,
    mill,
    runsDir,
    env,
  })
  let exitedAlone = false
  // Added before the process starts, so it runs when the process is gone.
  yield* Effect.addFinalizer(() => (exitedAlone ? Effect.void : executor.cleanUp))
  const { exit } = yield* start(host, output)
  if (executor.lockedIn) {
    const control = controlSocket(socketDir, invocation.runId)
    const args = [...bun.args, ...buildGuardArgs(hostScript, control, paths.planFile), ...mill]
    const guard = { command: bun.command, args, env: { ...bun.env, ...env }, inheritEnv: true }
    yield* start(guard, { onStdout: () => Effect.void, onStderr: () => Effect.void })
  }
  const awaitExit = Effect.map(exit, (exit) => {
    exitedAlone = exit._tag === "Code"
    return executor.readExit(exit)
  })
  return { awaitExit }
})
