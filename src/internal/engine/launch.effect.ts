/** Starts a run's worker as a process that outlives the submitter. */
import { Context, Effect, FileSystem, Schema } from "effect"
import { ChildProcess } from "effect/process"
import type { AttendOptions } from "../../domain/engine.schema.ts"
import { runMarks } from "../../domain/run-marks.ts"
import { LaunchError, type StoreError } from "../../domain/error.schema.ts"
import type { RunId } from "../../domain/ids.schema.ts"
import type { RunPaths } from "../../domain/run.schema.ts"
import { GivenConfig } from "../config/config-object.effect.ts"
import { ConfigValues, Settings } from "../config/settings.effect.ts"
import { Processes } from "../process/processes.effect.ts"
import { fileMode, describeReason } from "../files/files.effect.ts"

/** The path of the file that names the process started for a run. It matters until that process owns the run. */
export const launchFile = (paths: RunPaths): string => `${paths.runDir}/launch.json`

/** Makes sure that a worker can be started; runs before anything of a run is written. */
export const LaunchPreparation = Context.Reference<Effect.Effect<void, LaunchError | StoreError>>(
  "mill/internal/LaunchPreparation",
  { defaultValue: () => Effect.void },
)

/**
 * Starts the worker of a run in this process, for a configuration with functions that no other process can call. If undefined,
 * every run has a worker process. Returns at once. Closing the engine cancels these runs.
 */
export const LocalWorker = Context.Reference<
  ((runId: RunId, options: AttendOptions) => Effect.Effect<void>) | undefined
>("mill/internal/LocalWorker", { defaultValue: () => undefined })

const encodeValues = Schema.encodeEffect(ConfigValues)

/** Starts the worker of a run that is in the store, and returns the pid of its process. After a failure there is no worker. */
export const launchWorker = Effect.fn("Worker.launch")(function* (
  runId: RunId,
  paths: RunPaths,
  { attended }: AttendOptions,
) {
  const { cwd, pid: ownPid, runsDir, self } = yield* Settings
  const given = yield* GivenConfig
  const values = given?._tag === "Object" ? given.values : []
  const fs = yield* FileSystem.FileSystem
  const args = [
    ...self.args,
    "_worker",
    "--run-id",
    runId,
    "--runs-dir",
    runsDir,
    ...(values.length === 0 ? [] : ["--values-on-stdin"]),
    ...(attended === true ? ["--attended"] : []),
  ]
  const refuse = (why: string) => new LaunchError({ message: `cannot start a worker for ${runId}: ${why}` })
  const processes = yield* Processes
  // These values may be of any size, and must not be on disk.
  const input = values.length === 0 ? undefined : yield* Effect.orDie(encodeValues(values))
  const command = ChildProcess.make(self.command, args, {
    cwd,
    env: {
      // A parent run must not end the worker of a nested run as one of its own processes.
      [runMarks.runId]: undefined,
      [runMarks.spawnId]: undefined,
      [runMarks.depth]: undefined,
    },
    extendEnv: true,
    stdin: input === undefined ? "ignore" : "pipe",
    stdout: "ignore",
    stderr: "ignore",
  })
  const local = yield* LocalWorker
  const pid =
    local === undefined
      ? yield* Effect.mapError(processes.launch(command, input), (error) => refuse(describeReason(error)))
      : ownPid
  const identity = (yield* processes.identify(pid)) ?? { pid, startTime: "ended" }
  yield* Effect.ignore(
    fs.writeFileString(launchFile(paths), `${JSON.stringify(identity)}\n`, { mode: fileMode }),
  )
  if (local !== undefined) yield* local(runId, { attended })
  return pid
})
