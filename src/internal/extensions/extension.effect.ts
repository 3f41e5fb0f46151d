/** One extension of a run: its `setup`, the events for its `onEvent`, its functions, and its end. */
import { Effect, Exit, Option, Scope } from "effect"
import { defined } from "../../domain/defined.ts"
import type { EventBody, MillEvent } from "../../domain/event.schema.ts"
import type { ExtensionConfig, ExtensionContext } from "../../domain/extension.schema.ts"
import {
  type ExtensionAnswer,
  type ExtensionCall,
  ExtensionCallFailure,
} from "../../domain/host-protocol.schema.ts"
import { findJsonProblem } from "../../domain/json-problem.ts"
import { drainLimit, makeEventFeed } from "./event-feed.effect.ts"
import { HookFailure, runFunction, runHook, runWithin } from "./hook.effect.ts"
import { makeReports } from "./reports.effect.ts"

/** How long the program waits for one extension's `setup`. */
const setupLimit = "30 seconds"

/** How long releasing what `setup` acquired may take. */
const releaseLimit = "5 seconds"

type Hook<Args extends ReadonlyArray<unknown>> = ((...args: Args) => unknown) | undefined

/** Makes an extension; `append` writes to the run's log as long as the log takes events. */
export const makeExtension = Effect.fnUntraced(function* (
  config: ExtensionConfig,
  context: ExtensionContext,
  append: (body: EventBody) => Effect.Effect<void>,
) {
  const { api = {}, name } = config
  const reports = makeReports(name, append)
  const scope = yield* Scope.make()
  const feed = yield* makeEventFeed()
  const functions = new Map(Object.entries(api))
  /** Why the extension is disabled. */
  let setupFailure: string | undefined
  // The values that hooks return are checked at run time.
  const setup: Hook<[ExtensionContext]> = config.setup
  const onEvent: Hook<[MillEvent, ExtensionContext]> = config.onEvent

  const setUp = Effect.gen(function* () {
    if (setup === undefined) return
    const hook = runHook(() => setup.call(config, context)).pipe(Scope.provide(scope))
    const exit = Option.getOrElse(yield* runWithin(setupLimit, hook), () =>
      Exit.fail(new HookFailure({ message: `took longer than ${setupLimit}` })),
    )
    if (Exit.isSuccess(exit)) return
    setupFailure = Option.match(Exit.findErrorOption(exit), {
      onNone: () => "interrupted",
      onSome: ({ message }) => message,
    })
    yield* reports.failure("setup", setupFailure)
    yield* runWithin(releaseLimit, Scope.close(scope, exit))
  })

  const startEvents = Effect.suspend(() =>
    onEvent === undefined || setupFailure !== undefined
      ? Effect.void
      : feed.start((event) =>
          runHook(() => onEvent.call(config, event, context)).pipe(
            Effect.scoped,
            Effect.catch(({ message }) => reports.failure("onEvent", message)),
          ),
        ),
  )

  /** Queues an event for `onEvent`. Never waits. */
  const put = (event: MillEvent) => {
    if (onEvent === undefined || setupFailure !== undefined) return
    // An onEvent that fails for every event would otherwise receive an event for each failure, forever.
    if (event.type === "extension:error" && event.payload.extensionName === name) return
    feed.put(event)
  }

  const call = Effect.fnUntraced(function* ({ args, function: functionName }: ExtensionCall) {
    const fail = (message: string) =>
      new ExtensionCallFailure({ message, extension: name, function: functionName })
    const apiFunction = functions.get(functionName)
    if (apiFunction === undefined) return yield* fail(`unknown function mill.${name}.${functionName}`)
    if (setupFailure !== undefined)
      return yield* fail(`extension ${name} is disabled because its setup failed: ${setupFailure}`)
    return yield* runFunction(() => apiFunction.apply(api, [...args])).pipe(
      Effect.flatMap(encodeAnswer),
      Effect.tapError(({ message }) => reports.failure("api", `${functionName}: ${message}`)),
      Effect.mapError(({ message }) => fail(message)),
    )
  })

  /** Reports how many events were dropped. */
  const reportDropped = Effect.suspend(() =>
    feed.dropped() === 0
      ? Effect.void
      : reports.once("onEvent", `dropped ${feed.dropped()} events because onEvent was too slow`),
  )

  const release = Effect.gen(function* () {
    const closed = yield* runWithin(releaseLimit, Effect.scoped(runHook(() => Scope.close(scope, Exit.void))))
    const problem = Option.match(closed, {
      onNone: () => `resources were not released within ${releaseLimit}`,
      onSome: (exit) => Option.getOrUndefined(Exit.findErrorOption(exit))?.message,
    })
    if (problem !== undefined) yield* reports.once("setup", problem)
  })

  /** Waits for `onEvent` and releases what `setup` acquired, each within its limit. */
  const end = Effect.gen(function* () {
    const left = yield* feed.finish
    if (left > 0)
      yield* reports.once(
        "onEvent",
        `${left} ${left === 1 ? "event was" : "events were"} not handled within ${drainLimit} of the end of the run`,
      )
    if (setupFailure === undefined) yield* release
    yield* reports.total
  })

  return {
    name,
    /** Runs `setup` and starts to pass events to `onEvent`. Never fails: an extension whose setup fails is disabled. */
    start: Effect.andThen(setUp, startEvents),
    put,
    call,
    reportDropped,
    end,
  }
})
export type RunningExtension = Effect.Success<ReturnType<typeof makeExtension>>

/** A function's result as JSON. Asking a value for its JSON may throw: `toJSON` is the extension's code. */
const encodeAnswer = Effect.fnUntraced(function* (value: unknown) {
  const fail = (reason: string) => new HookFailure({ message: `the result is not JSON: ${reason}` })
  const { json, problem } = yield* Effect.try({
    try: () => {
      const problem = findJsonProblem(value)
      return { problem, json: problem === undefined ? JSON.stringify(value) : undefined }
    },
    catch: (error) => fail(String(error)),
  })
  if (problem !== undefined) return yield* fail(problem)
  // The host takes a missing key for undefined.
  return defined({ json }) satisfies ExtensionAnswer
})
