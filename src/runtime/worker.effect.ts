/** The entry of a run's worker process. It runs detached, so it logs to the run's `worker.log`. */
import { Effect, Layer, Logger, Schema, Stdio, Stream } from "effect"
import type { AttendOptions } from "../domain/engine.schema.ts"
import { RunId } from "../domain/ids.schema.ts"
import { ConfigValues } from "../internal/config/settings.effect.ts"
import { workOn } from "../internal/engine/worker.effect.ts"
import { fileMode } from "../internal/files/files.effect.ts"
import { RunStore } from "../internal/store/run-store.effect.ts"
import { layer, type Package } from "./engine.effect.ts"
import { httpClient } from "./platform/http-client.effect.ts"

const decodeRunId = Schema.decodeUnknownEffect(RunId)
const decodeValues = Schema.decodeUnknownEffect(ConfigValues)

/** Reads the configuration's secret values from standard input, where programs and agents cannot see them. */
const readConfigValues = Effect.gen(function* () {
  const { stdin } = yield* Stdio.Stdio
  return yield* decodeValues(yield* Stream.mkString(Stream.decodeText(stdin)))
})

const workOnRun = Effect.fnUntraced(function* (runId: RunId, options: AttendOptions) {
  const store = yield* RunStore
  const { logFile } = store.paths(runId)
  yield* workOn(runId, options).pipe(
    Effect.tapCause((cause) => Effect.logError(cause)),
    Effect.provide(Logger.layer([Logger.toFile(Logger.formatLogFmt, logFile, { mode: fileMode })])),
  )
})

/**
 * Carries out one run, for mill itself: `_worker --run-id <id> --runs-dir <folder> [--values-on-stdin] [--attended]`. Resolves to the exit
 * code. The worker lives as long as the run, so it loads nothing of the command line.
 */
export const worker = Effect.fnUntraced(
  function* (argv: ReadonlyArray<string>, own: Package) {
    const readFlag = (name: string) => (argv.includes(name) ? argv[argv.indexOf(name) + 1] : undefined)
    const runId = yield* decodeRunId(readFlag("--run-id"))
    const configValues = argv.includes("--values-on-stdin") ? yield* readConfigValues : undefined
    const services = layer({ ...own, runsDir: readFlag("--runs-dir"), configValues })
    yield* Effect.provide(
      workOnRun(runId, { attended: argv.includes("--attended") }),
      Layer.merge(services, httpClient),
    )
    return 0
  },
  Effect.catch(({ message }) => Effect.as(Effect.logError(message), 1)),
)
