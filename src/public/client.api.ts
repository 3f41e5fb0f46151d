/** The bridge from the engine's Effects to Promises. */
import { Context, Deferred, Effect, Exit, Layer, Logger, ManagedRuntime, Pull, Scope, Stream } from "effect"
import type {
  InspectedRun,
  InspectedSpawn,
  MillEngine,
  RunOrSpawnRef,
  SpawnRef,
} from "../domain/engine.schema.ts"
import { type ConfigError, UsageError } from "../domain/error.schema.ts"
import type { EngineOptions, MillClient } from "./types.ts"

class Engine extends Context.Service<Engine, MillEngine>()("mill/public/Engine") {}

/** Fails with the signal's reason once it is aborted. */
const untilAborted = (signal: AbortSignal) =>
  Effect.callback<never, unknown>((resume) => {
    const abort = () => resume(Effect.fail(signal.reason))
    if (signal.aborted) return abort()
    signal.addEventListener("abort", abort, { once: true })
    return Effect.sync(() => signal.removeEventListener("abort", abort))
  })

const unlessAborted = <A, E, R>(effect: Effect.Effect<A, E, R>, signal: AbortSignal | undefined) =>
  signal === undefined ? effect : Effect.raceFirst(effect, untilAborted(signal))

/** What is there when everything else has been closed. */
const bareRuntime = ManagedRuntime.make(Layer.empty)

/** Makes clients of the engines that `open` opens. */
export const clientOf =
  (open: (options: EngineOptions) => Effect.Effect<MillEngine, ConfigError | UsageError, Scope.Scope>) =>
  (options: EngineOptions = {}): MillClient => {
    const runtime = ManagedRuntime.make(
      // A library prints nothing: what goes wrong is in the rejections.
      Layer.provideMerge(Layer.effect(Engine, open(options)), Logger.layer([])),
    )
    const closing = Deferred.makeUnsafe<never, UsageError>()
    const closed = new UsageError({
      message: "this mill is closed",
      hint: "make another with createMill(); runs that have been started go on",
    })
    let isClosed = false

    const call = <A, E>(use: (engine: MillEngine) => Effect.Effect<A, E>, signal?: AbortSignal): Promise<A> =>
      isClosed
        ? bareRuntime.runPromise(Effect.fail(closed))
        : runtime.runPromise(
            unlessAborted(Effect.flatMap(Engine, use), signal).pipe(
              Effect.raceFirst(Deferred.await(closing)),
            ),
          )

    const close = async () => {
      if (isClosed) return runtime.dispose()
      isClosed = true
      // What is under way is told why it ends, before it is interrupted.
      await bareRuntime.runPromise(Deferred.fail(closing, closed))
      return runtime.dispose()
    }

    /** A stream that is being read, in a scope that ends with the reading. */
    const read = async <A, E>(
      items: (engine: MillEngine) => Stream.Stream<A, E>,
      signal: AbortSignal | undefined,
    ) => {
      const scope = Scope.makeUnsafe()
      const pull = await call((engine) => Scope.provide(Stream.toPull(items(engine)), scope), signal)
      return {
        /** What has come since; nothing when nothing comes any more. */
        next: () =>
          call(
            (): Effect.Effect<ReadonlyArray<A>, E> => Pull.catchDone(pull, () => Effect.succeed([])),
            signal,
          ),
        [Symbol.asyncDispose]: () => bareRuntime.runPromise(Scope.close(scope, Exit.void)),
      }
    }

    const iterate = async function* <A, E>(
      items: (engine: MillEngine) => Stream.Stream<A, E>,
      signal: AbortSignal | undefined,
    ) {
      await using reader = await read(items, signal)
      while (true) {
        const batch = await reader.next()
        if (batch.length === 0) return
        yield* batch
      }
    }

    function inspect(run: string): Promise<InspectedRun>
    function inspect(spawn: SpawnRef): Promise<InspectedSpawn>
    function inspect(ref: RunOrSpawnRef): Promise<InspectedRun | InspectedSpawn> {
      return typeof ref === "string"
        ? call((engine) => engine.inspect(ref))
        : call((engine) => engine.inspect(ref))
    }

    return {
      prepare: (input) => call((engine) => engine.prepare(input)),
      start: (prepared) => call((engine) => engine.start(prepared)),
      submit: (input) => call((engine) => engine.submit(input)),
      runSync: (input, { signal } = {}) => call((engine) => engine.runSync(input), signal),
      resolve: (run) => call((engine) => engine.resolve(run)),
      status: (run) => call((engine) => engine.status(run)),
      wait: (run, { signal, timeout } = {}) => call((engine) => engine.wait(run, timeout), signal),
      inspect,
      watch: (run, { signal } = {}) => iterate((engine) => engine.watch(run), signal),
      watchIo: (run, { signal } = {}) => iterate((engine) => engine.watchIo(run), signal),
      liveRuns: ({ signal } = {}) => iterate((engine) => engine.liveRuns, signal),
      cancel: (run, reason) => call((engine) => engine.cancel(run, reason)),
      list: (filter) => call((engine) => engine.list(filter)),
      init: (options = { global: false }) => call((engine) => engine.init(options)),
      discover: (options = { askAgent: false }) => call((engine) => engine.discover(options)),
      close,
      [Symbol.asyncDispose]: close,
    }
  }
