/**
 * The engine: what a user can do with runs. Every method works from any process.
 *
 * A command calls one method and should not load the modules of the others, so most methods load theirs on demand.
 */
import { Context, Duration, Effect, Layer, Stream } from "effect"
import type {
  InspectedRun,
  InspectedSpawn,
  MillEngine,
  ReferenceError,
  RunOrSpawnRef,
  SpawnRef,
} from "../../domain/engine.schema.ts"
import type { LogError } from "../../domain/error.schema.ts"
import type { RunId } from "../../domain/ids.schema.ts"
import type { SubmitInput } from "../../domain/submission.schema.ts"
import { resolveRun } from "../store/run-reference.effect.ts"
import { importOnCall } from "./import-on-call.effect.ts"
import {
  checkInitOptions,
  checkPrepared,
  checkReason,
  checkRunFilter,
  checkSpawnRef,
  checkTimeout,
} from "./input.effect.ts"
import { inspectRun, inspectSpawn, readResult, readStatus } from "./inspect.effect.ts"
import { listRuns } from "./list.effect.ts"
import { awaitEnd, waitForEnd } from "./wait.effect.ts"

const submitModule = Effect.promise(() => import("./submit.effect.ts"))
const watchModule = Effect.promise(() => import("./watch.effect.ts"))

const cancel = importOnCall(
  Effect.promise(() => import("./cancel.effect.ts")),
  (module) => module.cancel,
)
const discover = importOnCall(
  Effect.promise(() => import("../discovery/discover.effect.ts")),
  (module) => module.discover,
)
const init = importOnCall(
  Effect.promise(() => import("../scaffold/scaffold.effect.ts")),
  ({ scaffold }) => scaffold,
)
const outline = importOnCall(
  Effect.promise(() => import("../plan/outline.effect.ts")),
  ({ outlineProgram }) => outlineProgram,
)
const prepare = importOnCall(submitModule, ({ prepareRun }) => prepareRun)
const start = importOnCall(submitModule, ({ startRun }) => startRun)
const submit = (input: SubmitInput) => Effect.flatMap(prepare(input), (prepared) => start(prepared))

const runSync = Effect.fn("Engine.runSync")(function* (input: SubmitInput) {
  const { runId } = yield* submit(input)
  yield* awaitEnd(runId)
  return yield* readResult(runId)
})

const watch = (run: string) =>
  Stream.unwrap(Effect.zipWith(resolveRun(run), watchModule, (runId, { watchEvents }) => watchEvents(runId)))
const watchProgram = (run: string) =>
  Stream.unwrap(Effect.zipWith(resolveRun(run), watchModule, (runId, module) => module.watchProgram(runId)))
const watchIo = (run: string) =>
  Stream.unwrap(Effect.zipWith(resolveRun(run), watchModule, (runId, module) => module.watchIo(runId)))
const liveRuns = Stream.unwrap(Effect.map(watchModule, (module) => module.liveRuns))

type Services =
  | Effect.Services<
      ReturnType<
        | typeof cancel
        | typeof discover
        | typeof init
        | typeof inspectRun
        | typeof inspectSpawn
        | typeof listRuns
        | typeof outline
        | typeof runSync
      >
    >
  | Stream.Services<ReturnType<typeof watch | typeof watchIo> | typeof liveRuns>

export class Engine extends Context.Service<Engine, MillEngine>()("mill/internal/Engine") {
  static readonly layer = Layer.effect(
    Engine,
    Effect.map(Effect.context<Services>(), (context) => {
      const provide = Effect.provideContext(context)
      const provideStream = <A, E>(stream: Stream.Stream<A, E, Services>) =>
        Stream.provideContext(stream, context)
      const withRun = <A, E>(run: string, act: (runId: RunId) => Effect.Effect<A, E, Services>) =>
        provide(Effect.flatMap(resolveRun(run), act))

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
        start: (prepared, options) =>
          provide(Effect.flatMap(checkPrepared("start", prepared), (checked) => start(checked, options))),
        submit: (input) => provide(submit(input)),
        runSync: (input) => provide(runSync(input)),
        resolve: (run) => provide(resolveRun(run)),
        status: (run) => withRun(run, readStatus),
        wait: (run, timeout) =>
          Effect.andThen(
            checkTimeout("wait", timeout),
            withRun(run, (runId) => waitForEnd(runId, timeout)),
          ),
        inspect,
        watch: (run) => provideStream(watch(run)),
        watchIo: (run) => provideStream(watchIo(run)),
        watchProgram: (run) => provideStream(watchProgram(run)),
        liveRuns: provideStream(liveRuns),
        cancel: (run, reason, limit) =>
          Effect.andThen(
            Effect.all([checkReason({ reason }), checkTimeout("cancel", limit)]),
            withRun(run, (runId) =>
              cancel(runId, {
                reason,
                timeout: limit === undefined ? undefined : Duration.fromInputUnsafe(limit),
              }),
            ),
          ),
        list: (filter = {}) => provide(Effect.flatMap(checkRunFilter(filter), listRuns)),
        init: (options) => provide(Effect.flatMap(checkInitOptions(options), init)),
        discover: (options) => provide(discover(options)),
      })
    }),
  )
}
