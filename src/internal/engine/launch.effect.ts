/** Starts a run's worker as a process that outlives the submitter. */
import { Context, Effect, FileSystem, Schema } from "effect"
import { LaunchError, type StoreError } from "../../domain/error.schema.ts"
import type { RunId } from "../../domain/ids.schema.ts"
import type { RunPaths } from "../../domain/run.schema.ts"
import { GivenConfig } from "../config/config-object.effect.ts"
import { ConfigValues, Settings } from "../config/settings.effect.ts"
import { identify } from "../process/process-identity.effect.ts"
import { ProcessStarter } from "../process/process-starter.effect.ts"
import { fileMode, reasonOf } from "../files/files.effect.ts"

/** The path of the file that names the process started for a run. It matters until that process owns the run. */
export const launchFile = (paths: RunPaths): string => `${paths.runDir}/launch.json`

/** Makes sure that a worker can be started; runs before anything of a run is written. */
export const LaunchPreparation = Context.Reference<Effect.Effect<void, LaunchError | StoreError>>(
  "mill/internal/LaunchPreparation",
  { defaultValue: () => Effect.void },
)

const encodeValues = Schema.encodeEffect(ConfigValues)

/** Starts the worker of a run that is in the store, and returns its pid. After a failure there is no worker. */
export const launchWorker = Effect.fn("Worker.launch")(function* (runId: RunId, paths: RunPaths) {
  const { cwd, runsDir, worker } = yield* Settings
  const given = yield* GivenConfig
  const values = given?._tag === "Object" ? given.values : []
  const fs = yield* FileSystem.FileSystem
  const args = [
    ...worker.args,
    "_worker",
    "--run-id",
    runId,
    "--runs-dir",
    runsDir,
    ...(values.length === 0 ? [] : ["--values-on-stdin"]),
  ]
  const refuse = (why: string) => new LaunchError({ message: `cannot start a worker for ${runId}: ${why}` })
  const starter = yield* ProcessStarter
  const pid = yield* starter
    .launch({
      command: worker.command,
      args,
      cwd,
      env: {
        ...worker.env,
        // A parent run must not end the worker of a nested run as one of its own processes.
        MILL_RUN_ID: undefined,
        MILL_SPAWN_ID: undefined,
        MILL_RUN_DEPTH: undefined,
      },
      // These values may be of any size, and must not be on disk.
      stdin: values.length === 0 ? undefined : yield* Effect.orDie(encodeValues(values)),
    })
    .pipe(Effect.mapError((error) => refuse(reasonOf(error))))
  const identity = (yield* identify(pid)) ?? { pid, startTime: "ended" }
  yield* Effect.ignore(
    fs.writeFileString(launchFile(paths), `${JSON.stringify(identity)}\n`, { mode: fileMode }),
  )
  return pid
})
