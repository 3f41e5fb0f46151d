/** The entry of a run's worker process, which nobody watches: what it has to say goes to the run's `worker.log`. */
import { Effect, Layer, Logger, Schema, Stdio, Stream } from "effect"
import { RunId } from "../domain/ids.schema.ts"
import { ConfigValues } from "../internal/config/settings.effect.ts"
import { workOn } from "../internal/engine/worker.effect.ts"
import { fileMode } from "../internal/files/files.effect.ts"
import { RunStore } from "../internal/store/run-store.effect.ts"
import { artefact } from "./platform/artefact.ts"
import { becomeBun } from "./platform/executable.effect.ts"
import { layer, type Package } from "./engine.effect.ts"
import { httpClient } from "./platform/http-client.effect.ts"

const decodeValues = Schema.decodeUnknownEffect(ConfigValues)

/** What the submitter hands on here and nowhere else. It goes no further: no program or agent inherits it. */
const receivedValues = Effect.gen(function* () {
  const { stdin } = yield* Stdio.Stdio
  return yield* decodeValues(yield* Stream.mkString(Stream.decodeText(stdin)))
})

type Options = Package & {
  readonly runId: RunId
  readonly runsDir: string | undefined
  /** Whether standard input holds values of the configuration. */
  readonly valuesOnStdin: boolean
}

const decodeRunId = Schema.decodeUnknownEffect(RunId)

/**
 * Mill starts this itself, a process for each run: `_worker --run-id <id> --runs-dir <folder> [--values-on-stdin]`. It is
 * no command like the others, and loads nothing of them: it stays for as long as the run does. Its value is the exit
 * code.
 */
export const worker = Effect.fnUntraced(
  function* (argv: ReadonlyArray<string>, own: Package) {
    const valueOf = (name: string) => (argv.includes(name) ? argv[argv.indexOf(name) + 1] : undefined)
    const runId = yield* decodeRunId(valueOf("--run-id"))
    const valuesOnStdin = argv.includes("--values-on-stdin")
    yield* runWorker({ ...own, runId, valuesOnStdin, runsDir: valueOf("--runs-dir") })
    return 0
  },
  Effect.catch(({ message }) => Effect.as(Effect.logError(message), 1)),
)

/** Carries the run out. */
const runWorker = Effect.fnUntraced(function* ({ valuesOnStdin, ...options }: Options) {
  const configValues = valuesOnStdin ? yield* receivedValues : undefined
  yield* workAlone(options).pipe(Effect.provide(Layer.merge(layer({ ...options, configValues }), httpClient)))
})

const workAlone = (options: Pick<Options, "runId">) =>
  Effect.gen(function* () {
    const store = yield* RunStore
    const { logFile } = store.paths(options.runId)
    // Before the run has an owner: this process may have to begin anew in order to evaluate the configuration.
    if (artefact.form === "executable" && (yield* store.plan(options.runId)).config.length > 0)
      yield* becomeBun
    yield* workOn(options.runId).pipe(
      Effect.tapCause((cause) => Effect.logError(cause)),
      Effect.provide(Logger.layer([Logger.toFile(Logger.formatLogFmt, logFile, { mode: fileMode })])),
    )
  })
