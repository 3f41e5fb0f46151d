/** The engine: what a user can do with runs. Every method works from any process; a run's worker is one of them. */
import { Context, Effect, type FileSystem, Layer, type Path, Stream } from "effect"
import type { Digest, SecureRandom } from "effect/crypto"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import type {
  InspectedRun,
  InspectedSpawn,
  MillEngine,
  ReferenceError,
  RunOrSpawnRef,
  SpawnRef,
} from "../../domain/engine.schema.ts"
import type { PreparedRun, SubmitInput } from "../../domain/submission.schema.ts"
import type { LogError } from "../../domain/error.schema.ts"
import type { RunId } from "../../domain/ids.schema.ts"
import type { ConfigLoader } from "../config/config-loader.effect.ts"
import type { Secrets } from "../config/secrets.effect.ts"
import type { Settings } from "../config/settings.effect.ts"
import type { SourceCompiler } from "../sources/source-compiler.effect.ts"
import type { ProcessStarter } from "../process/process-starter.effect.ts"
import type { Sockets } from "../sockets/sockets.effect.ts"
import type { TypeTexts } from "../scaffold/type-texts.effect.ts"
import { resolveRun } from "../store/run-reference.effect.ts"
import type { RunStore } from "../store/run-store.effect.ts"
import {
  checkInitOptions,
  checkPrepared,
  checkReason,
  checkRunFilter,
  checkSpawnRef,
  checkTimeout,
} from "./input.effect.ts"
import { inspectRun, inspectSpawn, resultOf, statusOf } from "./inspect.effect.ts"
import { listRuns } from "./list.effect.ts"
import { untilEnd, waitForEnd } from "./wait.effect.ts"

type Needs =
  | ChildProcessSpawner
  | ConfigLoader
  | Digest.Digest
  | FileSystem.FileSystem
  | Path.Path
  | ProcessStarter
  | RunStore
  | SecureRandom.SecureRandom
  | Secrets
  | Settings
  | Sockets
  | SourceCompiler
  | TypeTexts

// What a method needs and others do not is loaded when it is called: a command calls one, and waits for no other.
const cancelling = Effect.promise(() => import("./cancel.effect.ts"))
const discovery = Effect.promise(() => import("../discovery/discover.effect.ts"))
const outlining = Effect.promise(() => import("../plan/outline.effect.ts"))
const scaffolding = Effect.promise(() => import("../scaffold/scaffold.effect.ts"))
const submitting = Effect.promise(() => import("./submit.effect.ts"))
const watching = Effect.promise(() => import("./watch.effect.ts"))

const prepare = (input: SubmitInput) => Effect.flatMap(submitting, ({ prepareRun }) => prepareRun(input))
const start = (prepared: PreparedRun) => Effect.flatMap(submitting, ({ startRun }) => startRun(prepared))
const submit = (input: SubmitInput) => Effect.flatMap(prepare(input), start)
const outline = (prepared: PreparedRun) => Effect.flatMap(outlining, ({ outlineOf }) => outlineOf(prepared))

const runSync = Effect.fn("Engine.runSync")(function* (input: SubmitInput) {
  const { runId } = yield* submit(input)
  yield* untilEnd(runId)
  return yield* resultOf(runId)
})

export class Engine extends Context.Service<Engine, MillEngine>()("mill/internal/Engine") {
  static readonly layer = Layer.effect(
    Engine,
    Effect.gen(function* () {
      const context = yield* Effect.context<Needs>()
      const provide = Effect.provideContext(context)
      /** Does something with the run that is named. */
      const withRun = <A, E>(run: string, act: (runId: RunId) => Effect.Effect<A, E, Needs>) =>
        provide(Effect.flatMap(resolveRun(run), act))
      const streamOf = <A, E>(
        run: string,
        items: (runId: RunId, watch: Effect.Success<typeof watching>) => Stream.Stream<A, E, Needs>,
      ) =>
        Stream.provideContext(
          Stream.unwrap(
            Effect.map(Effect.all([resolveRun(run), watching]), ([runId, watch]) => items(runId, watch)),
          ),
          context,
        )

      function inspect(run: string): Effect.Effect<InspectedRun, ReferenceError | LogError>
      function inspect(spawn: SpawnRef): Effect.Effect<InspectedSpawn, ReferenceError | LogError>
      function inspect(
        ref: RunOrSpawnRef,
      ): Effect.Effect<InspectedRun | InspectedSpawn, ReferenceError | LogError> {
        return typeof ref === "string"
          ? withRun(ref, inspectRun)
          : Effect.flatMap(checkSpawnRef(ref), ({ run, spawn }) =>
              withRun(run, (runId) => inspectSpawn(runId, spawn)),
            )
      }

      return Engine.of({
        prepare: (input) => provide(prepare(input)),
        outline: (prepared) => provide(Effect.flatMap(checkPrepared("outline", prepared), outline)),
        start: (prepared) => provide(Effect.flatMap(checkPrepared("start", prepared), start)),
        submit: (input) => provide(submit(input)),
        runSync: (input) => provide(runSync(input)),
        resolve: (run) => provide(resolveRun(run)),
        status: (run) => withRun(run, statusOf),
        wait: (run, timeout) =>
          Effect.andThen(
            checkTimeout(timeout),
            withRun(run, (runId) => (timeout === undefined ? untilEnd(runId) : waitForEnd(runId, timeout))),
          ),
        inspect,
        watch: (run) => streamOf(run, (runId, { watchEvents }) => watchEvents(runId)),
        watchIo: (run) => streamOf(run, (runId, { watchIo }) => watchIo(runId)),
        liveRuns: Stream.provideContext(
          Stream.unwrap(Effect.map(watching, ({ liveRuns }) => liveRuns)),
          context,
        ),
        cancel: (run, reason) =>
          Effect.andThen(
            checkReason({ reason }),
            withRun(run, (runId) => Effect.flatMap(cancelling, ({ cancelRun }) => cancelRun(runId, reason))),
          ),
        list: (filter = {}) => provide(Effect.flatMap(checkRunFilter(filter), listRuns)),
        init: (options) =>
          provide(
            Effect.flatMap(Effect.all([checkInitOptions(options), scaffolding]), ([checked, { scaffold }]) =>
              scaffold(checked),
            ),
          ),
        discover: (options) => provide(Effect.flatMap(discovery, ({ discover }) => discover(options))),
      })
    }),
  )
}
