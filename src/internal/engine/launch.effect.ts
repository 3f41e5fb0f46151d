/** Starts a run's worker as a process of its own, which outlives whoever submitted the run. */
import { Context, Effect, FileSystem, Schema, Stream } from "effect"
import { ChildProcess } from "effect/process"
import { LaunchError, type StoreError } from "../../domain/error.schema.ts"
import type { RunId } from "../../domain/ids.schema.ts"
import type { RunPaths } from "../../domain/run.schema.ts"
import { GivenConfig } from "../config/config-object.effect.ts"
import { ConfigValues, Settings } from "../config/settings.effect.ts"
import { identify } from "../process/process-identity.effect.ts"
import { fileMode, reasonOf } from "../store/files.effect.ts"

/** The file that names the process that was started for a run, until that process has taken the run over. */
export const launchFile = (paths: RunPaths): string => `${paths.runDir}/launch.json`

/** What has to be done before anything of a run is written, so that its worker can be started. */
export const LaunchPreparation = Context.Reference<Effect.Effect<void, LaunchError | StoreError>>(
  "mill/internal/LaunchPreparation",
  { defaultValue: () => Effect.void },
)

const encodeValues = Schema.encodeEffect(ConfigValues)

/** One line, whatever the platform throws. */
const thrownMessage = (error: unknown): string => (error instanceof Error ? error.message : String(error))

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
  const pid = yield* Effect.scoped(
    Effect.gen(function* () {
      const handle = yield* ChildProcess.make(worker.command, args, {
        detached: true,
        extendEnv: true,
        cwd,
        env: {
          ...worker.env,
          // A worker is no part of the run in which its own was started: that run would end it.
          MILL_RUN_ID: undefined,
          MILL_SPAWN_ID: undefined,
          MILL_RUN_DEPTH: undefined,
        },
        // What the configuration's text leaves out may be of any size, and must not be on the disk.
        stdin: values.length === 0 ? "ignore" : "pipe",
        stdout: "ignore",
        stderr: "ignore",
      })
      if (values.length > 0) {
        const text = yield* Effect.orDie(encodeValues(values))
        yield* Stream.run(Stream.encodeText(Stream.succeed(text)), handle.stdin)
      }
      // Before the scope closes: it would end the worker otherwise.
      yield* Effect.asVoid(handle.unref)
      return handle.pid
    }),
  ).pipe(
    Effect.mapError((error) => refuse(reasonOf(error))),
    // Bun throws what some systems answer, such as that the arguments and the environment are too long.
    Effect.catchDefect((defect) => Effect.fail(refuse(thrownMessage(defect)))),
  )
  const identity = (yield* identify(pid)) ?? { pid, startTime: "ended" }
  yield* Effect.ignore(
    fs.writeFileString(launchFile(paths), `${JSON.stringify(identity)}\n`, { mode: fileMode }),
  )
  return pid
})
