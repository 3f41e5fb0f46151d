/**
 * The extensions of one run, in its worker: `setup` before the program starts, `onEvent` alongside the run, functions for
 * the program. Nothing that an extension does wrong ends the run or holds it up; the program waits only for `setup`.
 */
import { Effect, Exit, Scope } from "effect"
import { type EventBody, isRunTerminal, type MillEvent } from "../../domain/event.schema.ts"
import type { ExtensionConfig, ExtensionContext } from "../../domain/extension.schema.ts"
import { type ExtensionCall, ExtensionCallFailure } from "../../domain/host-protocol.schema.ts"
import type { EventLog, LogListener } from "../store/event-log.effect.ts"
import { makeExtension, type RunningExtension } from "./extension.effect.ts"
import { outliveStrayErrors } from "./stray-errors.effect.ts"

/** Makes the extensions of a run; closing the scope ends them. */
export const makeExtensions = Effect.fnUntraced(function* (context: ExtensionContext) {
  const extensions: Array<RunningExtension> = []
  const errorScope = yield* Scope.make()
  /** Events that were logged before the configuration was known. */
  let early: Array<MillEvent> | undefined = []
  let hasEnded = false

  /** Takes each event of the run's log. */
  const listener: LogListener = (events) => {
    for (const event of events) {
      if (isRunTerminal(event)) hasEnded = true
      for (const extension of extensions) extension.put(event)
      early?.push(event)
    }
  }

  /** Sets the extensions up, one after the other; failures become events in `log`. */
  const start = Effect.fn("Extensions.start")(function* (
    configs: ReadonlyArray<ExtensionConfig>,
    log: EventLog,
  ) {
    if (configs.length > 0) yield* Scope.provide(outliveStrayErrors, errorScope)
    const append = (body: EventBody) =>
      Effect.suspend(() => (hasEnded ? Effect.void : Effect.ignore(log.append(body))))
    for (const config of configs) extensions.push(yield* makeExtension(config, context, append))
    for (const event of early ?? []) for (const extension of extensions) extension.put(event)
    early = undefined
    yield* Effect.forEach(extensions, (extension) => extension.start, { discard: true })
  })

  /** Carries out a program's call. */
  const call = Effect.fn("Extensions.call")(function* (asked: ExtensionCall) {
    const extension = extensions.find(({ name }) => name === asked.extension)
    if (extension !== undefined) return yield* extension.call(asked)
    const message = `unknown function mill.${asked.extension}.${asked.function}`
    return yield* new ExtensionCallFailure({ message, extension: asked.extension, function: asked.function })
  })

  yield* Effect.addFinalizer(() =>
    Effect.forEach(extensions, ({ end }) => end, { concurrency: "unbounded", discard: true }).pipe(
      Effect.andThen(Scope.close(errorScope, Exit.void)),
    ),
  )
  return {
    listener,
    start,
    call,
    /** Appends the last reports: run it before the run's terminal event. */
    beforeEnd: Effect.suspend(() =>
      Effect.forEach(extensions, ({ reportDropped }) => reportDropped, { discard: true }),
    ),
  }
})
export type Extensions = Effect.Success<ReturnType<typeof makeExtensions>>
