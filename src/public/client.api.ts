/** Turns the engine's Effects and Streams into Promises and async iterables. */
import { Context, Deferred, Effect, Exit, Layer, Logger, ManagedRuntime, Pull, Scope, Stream } from "effect"
import type {
  InspectedRun,
  InspectedSpawn,
  MillEngine,
  RunOrSpawnRef,
  SpawnRef,
} from "../domain/engine.schema.ts"
import { type ConfigError, UsageError } from "../domain/error.schema.ts"
import type { EngineOptions, MillClient } from "./library.api.ts"

/** An open engine and its scope. */
class Opened extends Context.Service<Opened, { readonly engine: MillEngine; readonly scope: Scope.Scope }>()(
  "mill/public/Opened",
) {}

/** Dies with the signal's reason when the signal is aborted. */
const awaitAbort = (signal: AbortSignal) =>
  Effect.callback<never>((resume) => {
    const abort = () => resume(Effect.die(signal.reason))
    if (signal.aborted) return abort()
    signal.addEventListener("abort", abort, { once: true })
    return Effect.sync(() => signal.removeEventListener("abort", abort))
  })

const raceAbort = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  signal: AbortSignal | undefined,
): Effect.Effect<A, E | UsageError, R> => {
  if (signal === undefined) return effect
  return signal instanceof AbortSignal
    ? Effect.raceFirst(effect, awaitAbort(signal))
    : Effect.fail(new UsageError({ message: "signal is not an AbortSignal" }))
}

/** Runs Effects while no client or test kit is open. */
export const bareRuntime = ManagedRuntime.make(Layer.empty)

/** Creates `createMill` from a function that opens an engine. */
export const makeClient =
  (
    openEngine: (options: EngineOptions) => Effect.Effect<MillEngine, ConfigError | UsageError, Scope.Scope>,
  ) =>
  (options: EngineOptions = {}): MillClient => {
    const opened = Layer.effect(
      Opened,
      Effect.all({ engine: openEngine(options), scope: Effect.scope }, { concurrency: 1 }),
    )
    // A library does not log: errors are in the rejections.
    const runtime = ManagedRuntime.make(Layer.provideMerge(opened, Logger.layer([])))
    const closing = Deferred.makeUnsafe<never, UsageError>()
    const closed = new UsageError({
      message: "this client is closed",
      hint: "create a new client with createMill(); runs are not affected",
    })
    let isClosed = false

    const run = <A, E>(effect: Effect.Effect<A, E, Opened>, signal?: AbortSignal): Promise<A> =>
      isClosed
        ? bareRuntime.runPromise(Effect.fail(closed))
        : runtime.runPromise(Effect.raceFirst(raceAbort(effect, signal), Deferred.await(closing)))

    const call = <A, E>(use: (engine: MillEngine) => Effect.Effect<A, E>, signal?: AbortSignal): Promise<A> =>
      run(
        Effect.flatMap(Opened, ({ engine }) => use(engine)),
        signal,
      )

    const close = async () => {
      if (isClosed) return runtime.dispose()
      isClosed = true
      // Pending calls are rejected with this reason before they are interrupted.
      await bareRuntime.runPromise(Deferred.fail(closing, closed))
      return runtime.dispose()
    }

    /** Opens a stream for reading. The stream closes no later than the engine. */
    const openStream = Effect.fnUntraced(function* <A, E>(
      items: (engine: MillEngine) => Stream.Stream<A, E>,
    ) {
      const { engine, scope: engineScope } = yield* Opened
      const scope = yield* Scope.fork(engineScope)
      const pull = yield* Scope.provide(Stream.toPull(items(engine)), scope)
      const abandoned = yield* Deferred.make<ReadonlyArray<A>>()
      const end = Effect.andThen(Deferred.succeed(abandoned, []), Scope.close(scope, Exit.void))
      /** Reads the next batch: an empty one at the end of the stream. */
      const next = Pull.catchDone(pull, () => Effect.succeed<ReadonlyArray<A>>([])).pipe(
        Effect.raceFirst(Deferred.await(abandoned)),
        Effect.tap((batch) => (batch.length === 0 ? end : Effect.void)),
        Effect.onError(() => end),
      )
      return { next, end }
    })

    const iterate = <A, E>(
      items: (engine: MillEngine) => Stream.Stream<A, E>,
      signal: AbortSignal | undefined,
    ): AsyncIterable<A> => ({
      [Symbol.asyncIterator]: () => {
        const opening = run(openStream(items), signal)
        // Opening may fail before the first call of next().
        opening.catch(() => undefined)
        const done: IteratorResult<A> = { done: true, value: undefined }
        let batch: ReadonlyArray<A> = []
        let taken = 0
        let isOver = false
        let isLeft = false
        const take = async (): Promise<IteratorResult<A>> => {
          if (isOver) return done
          // After a failure the iterator is done, like a generator.
          isOver = true
          const { next } = await opening
          if (taken === batch.length) {
            batch = await run(next, signal)
            taken = 0
          }
          const value = batch[taken]
          taken += 1
          if (value === undefined) return done
          isOver = isLeft
          return isLeft ? done : { done: false, value }
        }
        /** The latest call to next(): calls are answered one at a time, in order. */
        let last: Promise<unknown> = opening
        return {
          next: () => {
            const answer = last.then(take, take)
            last = answer
            return answer
          },
          // Called when a loop is left. Pending calls of next() resolve as done.
          return: async () => {
            isLeft = true
            isOver = true
            const opened = await opening.catch(() => undefined)
            if (opened !== undefined) await bareRuntime.runPromise(opened.end)
            return done
          },
        }
      },
    })

    function inspect(run: string): Promise<InspectedRun>
    function inspect(spawn: SpawnRef): Promise<InspectedSpawn>
    function inspect(ref: RunOrSpawnRef): Promise<InspectedRun | InspectedSpawn> {
      return typeof ref === "string"
        ? call((engine) => engine.inspect(ref))
        : call((engine) => engine.inspect(ref))
    }

    return {
      prepare: (input) => call((engine) => engine.prepare(input)),
      outline: (prepared) => call((engine) => engine.outline(prepared)),
      start: (prepared) => call((engine) => engine.start(prepared)),
      submit: (input) => call((engine) => engine.submit(input)),
      runSync: (input, options) => call((engine) => engine.runSync(input), options?.signal),
      resolve: (run) => call((engine) => engine.resolve(run)),
      status: (run) => call((engine) => engine.status(run)),
      wait: (run, options) => call((engine) => engine.wait(run, options?.timeout), options?.signal),
      inspect,
      watch: (run, options) => iterate((engine) => engine.watch(run), options?.signal),
      watchIo: (run, options) => iterate((engine) => engine.watchIo(run), options?.signal),
      liveRuns: (options) => iterate((engine) => engine.liveRuns, options?.signal),
      cancel: (run, reason, options) => call((engine) => engine.cancel(run, reason, options?.timeout)),
      list: (filter) => call((engine) => engine.list(filter)),
      init: (options = { global: false }) => call((engine) => engine.init(options)),
      discover: (options = { askAgent: false }) => call((engine) => engine.discover(options)),
      close,
      [Symbol.asyncDispose]: close,
    }
  }
