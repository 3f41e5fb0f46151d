/** Starts workers in the process of the script that submits runs. Loaded only for a configuration with functions. */
import { Effect, Layer, Logger } from "effect"
import { LocalWorker } from "../internal/engine/launch.effect.ts"
import { makeLocalWorker } from "../internal/engine/local-worker.effect.ts"
import { fileMode } from "../internal/files/files.effect.ts"
import { RunStore } from "../internal/store/run-store.effect.ts"
import { httpClient } from "./platform/http-client.effect.ts"

export const layer = Layer.effect(
  LocalWorker,
  makeLocalWorker(
    (runId) => (effect) =>
      Effect.flatMap(RunStore, (store) =>
        Effect.provide(
          effect,
          Logger.layer([Logger.toFile(Logger.formatLogFmt, store.paths(runId).logFile, { mode: fileMode })]),
        ),
      ),
  ),
).pipe(Layer.provide(httpClient))
