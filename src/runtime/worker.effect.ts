/** The entry of a run's worker process, which nobody watches: what it has to say goes to the run's `worker.log`. */
import { Effect, Layer, Logger } from "effect"
import type { RunId } from "../domain/ids.schema.ts"
import { workOn } from "../internal/engine/worker.effect.ts"
import { fileMode } from "../internal/store/files.effect.ts"
import { RunStore } from "../internal/store/run-store.effect.ts"
import { becomeBun } from "./executable.effect.ts"
import { layer, type Package } from "./engine.effect.ts"
import { httpClient } from "./http-client.effect.ts"

/** Carries the run out. */
export const runWorker = (
  options: Package & { readonly runId: RunId; readonly runsDir: string | undefined },
) =>
  Effect.gen(function* () {
    const store = yield* RunStore
    const { logFile } = store.paths(options.runId)
    // Before the run has an owner: this process may have to begin anew in order to evaluate the configuration.
    if ((yield* store.plan(options.runId)).config.length > 0) yield* becomeBun
    yield* workOn(options.runId).pipe(
      Effect.tapCause((cause) => Effect.logError(cause)),
      Effect.provide(Logger.layer([Logger.toFile(Logger.formatLogFmt, logFile, { mode: fileMode })])),
    )
  }).pipe(Effect.provide(Layer.merge(layer(options), httpClient)))
