/**
 * The extensions of one run, in its worker: `setup` before the program starts, `onEvent` beside the run, functions for
 * the program, and their end after the run's own. It promises that nothing that they do wrong ends or holds up the run;
 * only `setup` is waited for, for `setupLimit` at most.
 */
import { Effect, Exit, Option, Scope } from "effect"
import { type EventBody, isRunTerminal, type MillEvent } from "../../domain/event.schema.ts"
import type { ExtensionConfig, ExtensionContext } from "../../domain/extension.schema.ts"
import {
  type ExtensionAnswer,
  type ExtensionCall,
  ExtensionCallFailure,
} from "../../domain/host-protocol.schema.ts"
import { findJsonProblem } from "../../domain/json-problem.ts"
import type { EventLog, LogListener } from "../store/event-log.effect.ts"
import { drainLimit, type EventFeed, makeEventFeed } from "./event-feed.effect.ts"
import { HookFailure, runFunction, runHook, within } from "./hook.effect.ts"
import { makeReports, type Reports } from "./reports.effect.ts"
import { outliveStrayErrors } from "./stray-errors.effect.ts"

/** How long the program waits for one extension's `setup`. */
const setupLimit = "30 seconds"

/** How long what an extension's `setup` has acquired may take to be released. */
const releaseLimit = "5 seconds"

export type Extensions = {
  /** Is to be told each event of the run's log. */
  readonly listener: LogListener
  /** Sets the extensions up, one after the other; what they do wrong is told by events in `log`. */
  readonly start: (configs: ReadonlyArray<ExtensionConfig>, log: EventLog) => Effect.Effect<void>
  /** Carries out a program's call. */
  readonly call: (call: ExtensionCall) => Effect.Effect<ExtensionAnswer, ExtensionCallFailure>
  /** Is to be run before the run's terminal event, the last that can tell anything. */
  readonly beforeEnd: Effect.Effect<void>
}

type Hook<Args extends ReadonlyArray<unknown>> = ((...args: Args) => unknown) | undefined

/** An extension at work. */
type Active = {
  readonly config: ExtensionConfig
  readonly reports: Reports
  readonly scope: Scope.Closeable
  readonly feed: EventFeed
  /** Why it is off. */
  off?: string
}

/** The extensions of a run; closing the scope ends them, each within its limits. */
export const makeExtensions = Effect.fnUntraced(function* (context: ExtensionContext) {
  const active: Array<Active> = []
  const surroundings = yield* Scope.make()
  /** What was logged before the configuration was there. */
  let early: Array<MillEvent> | undefined = []
  let ended = false

  const put = ({ config, feed, off }: Active, event: MillEvent) => {
    if (config.onEvent === undefined || off !== undefined) return
    // Told of its own errors, an extension that fails for each event would go on for ever.
    if (event.type === "extension:error" && event.payload.extensionName === config.name) return
    feed.put(event)
  }
  const listener: LogListener = (events) => {
    for (const event of events) {
      if (isRunTerminal(event)) ended = true
      for (const extension of active) put(extension, event)
      early?.push(event)
    }
  }

  const setUp = Effect.fnUntraced(function* (extension: Active) {
    const { config, feed, reports, scope } = extension
    // What they give is looked at when they have given it.
    const setup: Hook<[ExtensionContext]> = config.setup
    const onEvent: Hook<[MillEvent, ExtensionContext]> = config.onEvent
    if (setup !== undefined) {
      const hook = runHook(() => setup.call(config, context)).pipe(Scope.provide(scope))
      const done = Option.getOrElse(yield* within(setupLimit, hook), () =>
        Exit.fail(new HookFailure({ message: `it took longer than ${setupLimit}` })),
      )
      if (Exit.isFailure(done)) {
        const message = Option.match(Exit.findErrorOption(done), {
          onNone: () => "it was interrupted",
          onSome: (failure) => failure.message,
        })
        extension.off = message
        yield* reports.failure("setup", message)
        yield* within(releaseLimit, Scope.close(scope, done))
        return
      }
    }
    if (onEvent === undefined) return
    yield* feed.start((event) =>
      runHook(() => onEvent.call(config, event, context)).pipe(
        Effect.scoped,
        Effect.catch(({ message }) => reports.failure("onEvent", message)),
      ),
    )
  })

  const start: Extensions["start"] = Effect.fn("Extensions.start")(function* (configs, log) {
    if (configs.length > 0) yield* Scope.provide(outliveStrayErrors, surroundings)
    const append = (body: EventBody) =>
      Effect.suspend(() => (ended ? Effect.void : Effect.ignore(log.append(body))))
    for (const config of configs) {
      const reports = makeReports(config.name, append)
      active.push({ config, reports, scope: yield* Scope.make(), feed: yield* makeEventFeed() })
    }
    for (const event of early ?? []) for (const extension of active) put(extension, event)
    early = undefined
    yield* Effect.forEach(active, setUp, { discard: true })
  })

  const call: Extensions["call"] = Effect.fn("Extensions.call")(function* (asked) {
    const { extension: name, function: functionName } = asked
    const fail = (message: string) =>
      new ExtensionCallFailure({ message, extension: name, function: functionName })
    const extension = active.find(({ config }) => config.name === name)
    const api = new Map(Object.entries(extension?.config.api ?? {}))
    const called = api.get(functionName)
    if (extension === undefined || called === undefined) {
      return yield* fail(`there is no function mill.${name}.${functionName}`)
    }
    if (extension.off !== undefined) {
      return yield* fail(`the extension ${name} is off, since its setup failed: ${extension.off}`)
    }
    return yield* runFunction(() => called.apply(extension.config.api, [...asked.args])).pipe(
      Effect.flatMap(asAnswer),
      Effect.tapError(({ message }) => extension.reports.failure("api", `${functionName}: ${message}`)),
      Effect.mapError(({ message }) => fail(message)),
    )
  })

  const dropped = ({ feed }: Active) => `${feed.dropped()} events dropped: onEvent was too slow for so many`
  const beforeEnd = Effect.suspend(() =>
    Effect.forEach(
      active.filter(({ feed }) => feed.dropped() > 0),
      (extension) => extension.reports.once("onEvent", dropped(extension)),
      { discard: true },
    ),
  )

  const end = Effect.fnUntraced(function* (extension: Active) {
    const { feed, off, reports, scope } = extension
    const left = yield* feed.finish
    if (left > 0) {
      yield* reports.once("onEvent", `${left} events not handled within ${drainLimit} after the run's end`)
    }
    if (off === undefined) {
      const closed = yield* within(releaseLimit, Effect.scoped(runHook(() => Scope.close(scope, Exit.void))))
      const problem = Option.match(closed, {
        onNone: () => `what it acquired was not released within ${releaseLimit}`,
        onSome: (exit) => Option.getOrUndefined(Exit.findErrorOption(exit))?.message,
      })
      if (problem !== undefined) yield* reports.once("setup", problem)
    }
    yield* reports.total
  })
  yield* Effect.addFinalizer(() =>
    Effect.forEach(active, end, { concurrency: "unbounded", discard: true }).pipe(
      Effect.andThen(Scope.close(surroundings, Exit.void)),
    ),
  )
  return { listener, start, call, beforeEnd } satisfies Extensions
})

const asAnswer = Effect.fnUntraced(function* (value: unknown) {
  const { json, problem } = yield* Effect.try({
    // What a value says of itself may be wrong in ways of its own: `toJSON` may throw.
    try: () => {
      const found = findJsonProblem(value)
      return found === undefined ? { json: JSON.stringify(value), problem: undefined } : { problem: found }
    },
    catch: (error) => new HookFailure({ message: `what it gave is not JSON: ${String(error)}` }),
  })
  if (problem !== undefined)
    return yield* new HookFailure({ message: `what it gave is not JSON: ${problem}` })
  const answer: ExtensionAnswer = json === undefined ? {} : { json }
  return answer
})
