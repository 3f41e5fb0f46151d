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
import type { EngineOptions, MillClient } from "./library.api.ts"

/** An engine, and the scope that it lives in. */
class Opened extends Context.Service<Opened, { readonly engine: MillEngine; readonly scope: Scope.Scope }>()(
  "mill/public/Opened",
) {}

/** Ends with the signal's reason, whatever that is, once it is aborted. */
const untilAborted = (signal: AbortSignal) =>
  Effect.callback<never>((resume) => {
    const abort = () => resume(Effect.die(signal.reason))
    if (signal.aborted) return abort()
    signal.addEventListener("abort", abort, { once: true })
    return Effect.sync(() => signal.removeEventListener("abort", abort))
  })

const unlessAborted = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  signal: AbortSignal | undefined,
): Effect.Effect<A, E | UsageError, R> => {
  if (signal === undefined) return effect
  return signal instanceof AbortSignal
    ? Effect.raceFirst(effect, untilAborted(signal))
    : Effect.fail(new UsageError({ message: "signal is no AbortSignal" }))
}

/** What is there when everything else has been closed. */
const bareRuntime = ManagedRuntime.make(Layer.empty)

/** Makes clients of the engines that `openEngine` opens. */
export const clientOf =
  (
    openEngine: (options: EngineOptions) => Effect.Effect<MillEngine, ConfigError | UsageError, Scope.Scope>,
  ) =>
  (options: EngineOptions = {}): MillClient => {
    const opened = Layer.effect(
      Opened,
      Effect.all({ engine: openEngine(options), scope: Effect.scope }, { concurrency: 1 }),
    )
    // A library prints nothing: what goes wrong is in the rejections.
    const runtime = ManagedRuntime.make(Layer.provideMerge(opened, Logger.layer([])))
    const closing = Deferred.makeUnsafe<never, UsageError>()
    const closed = new UsageError({
      message: "this mill is closed",
      hint: "make another with createMill(); runs that have been started go on",
    })
    let isClosed = false

    const run = <A, E>(effect: Effect.Effect<A, E, Opened>, signal?: AbortSignal): Promise<A> =>
      isClosed
        ? bareRuntime.runPromise(Effect.fail(closed))
        : runtime.runPromise(Effect.raceFirst(unlessAborted(effect, signal), Deferred.await(closing)))

    const call = <A, E>(use: (engine: MillEngine) => Effect.Effect<A, E>, signal?: AbortSignal): Promise<A> =>
      run(
        Effect.flatMap(Opened, ({ engine }) => use(engine)),
        signal,
      )

    const close = async () => {
      if (isClosed) return runtime.dispose()
      isClosed = true
      // What is under way is told why it ends, before it is interrupted.
      await bareRuntime.runPromise(Deferred.fail(closing, closed))
      return runtime.dispose()
    }

    /** Starts to read a stream, in a scope that ends with the reading and with the engine at the latest. */
    const open = <A, E>(items: (engine: MillEngine) => Stream.Stream<A, E>) =>
      Effect.gen(function* () {
        const { engine, scope: whole } = yield* Opened
        const scope = yield* Scope.fork(whole)
        const pull = yield* Scope.provide(Stream.toPull(items(engine)), scope)
        const left = yield* Deferred.make<ReadonlyArray<A>>()
        const end = Effect.andThen(Deferred.succeed(left, []), Scope.close(scope, Exit.void))
        /** What has come since; nothing when nothing comes any more. */
        const next = Pull.catchDone(pull, () => Effect.succeed<ReadonlyArray<A>>([])).pipe(
          Effect.raceFirst(Deferred.await(left)),
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
        const opening = run(open(items), signal)
        // It may fail before anybody asks.
        opening.catch(() => undefined)
        const done: IteratorResult<A> = { done: true, value: undefined }
        let batch: ReadonlyArray<A> = []
        let taken = 0
        let over = false
        let left = false
        const take = async (): Promise<IteratorResult<A>> => {
          if (over) return done
          // What fails has ended, as a generator has.
          over = true
          const { next } = await opening
          if (taken === batch.length) {
            batch = await run(next, signal)
            taken = 0
          }
          const value = batch[taken]
          taken += 1
          if (value === undefined) return done
          over = left
          return left ? done : { done: false, value }
        }
        /** The answer to whoever asked last: one at a time, in the order in which they ask. */
        let last: Promise<unknown> = opening
        return {
          next: () => {
            const answer = last.then(take, take)
            last = answer
            return answer
          },
          // Called when a loop is left. Whoever still waits is told so.
          return: async () => {
            left = true
            over = true
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
      cancel: (run, reason) => call((engine) => engine.cancel(run, reason)),
      list: (filter) => call((engine) => engine.list(filter)),
      init: (options = { global: false }) => call((engine) => engine.init(options)),
      discover: (options = { askAgent: false }) => call((engine) => engine.discover(options)),
      close,
      [Symbol.asyncDispose]: close,
    }
  }
