/** Starts a run's worker as a process of its own, which outlives whoever submitted the run. */
import { Context, Effect, FileSystem, Schema } from "effect"
import { LaunchError, type StoreError } from "../../domain/error.schema.ts"
import type { RunId } from "../../domain/ids.schema.ts"
import type { RunPaths } from "../../domain/run.schema.ts"
import { GivenConfig } from "../config/config-object.effect.ts"
import { ConfigValues, Settings } from "../config/settings.effect.ts"
import { identify } from "../process/process-identity.effect.ts"
import { ProcessStarter } from "../process/process-starter.effect.ts"
import { fileMode, reasonOf } from "../files/files.effect.ts"

/** The file that names the process that was started for a run, until that process has taken the run over. */
export const launchFile = (paths: RunPaths): string => `${paths.runDir}/launch.json`

/** What has to be done before anything of a run is written, so that its worker can be started. */
export const LaunchPreparation = Context.Reference<Effect.Effect<void, LaunchError | StoreError>>(
  "mill/internal/LaunchPreparation",
  { defaultValue: () => Effect.void },
)

const encodeValues = Schema.encodeEffect(ConfigValues)

/** Starts the worker of a run that is in the store. When it fails there is none. */
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
        // A worker is no part of the run in which its own was started: that run would end it.
        MILL_RUN_ID: undefined,
        MILL_SPAWN_ID: undefined,
        MILL_RUN_DEPTH: undefined,
      },
      // What the configuration's text leaves out may be of any size, and must not be on the disk.
      stdin: values.length === 0 ? undefined : yield* Effect.orDie(encodeValues(values)),
    })
    .pipe(Effect.mapError((error) => refuse(reasonOf(error))))
  const identity = (yield* identify(pid)) ?? { pid, startTime: "ended" }
  yield* Effect.ignore(
    fs.writeFileString(launchFile(paths), `${JSON.stringify(identity)}\n`, { mode: fileMode }),
  )
  return pid
})
