/**
 * The one writer of a run's event log. Callers append bodies; the writer adds sequence numbers and times, refuses
 * events that the run's state does not allow, writes the queued events together (group commit), and syncs if one of them
 * must be durable. `append` returns when a durable event is on disk, and when any other event is queued.
 *
 * The listener is called with the written events, in order. The log waits for it, so it must return at once.
 *
 * When a write fails, the log is broken: this and all later appends of durable events fail with the same error, and so
 * does `failure`.
 */
import { DateTime, Deferred, Effect, Exit, FileSystem, Queue, Result } from "effect"
import { IllegalTransition, type StoreError } from "../../domain/error.schema.ts"
import {
  encodeLogLine,
  type EventBody,
  isDurable,
  type MillEvent,
  schemaVersion,
} from "../../domain/event.schema.ts"
import type { RunId } from "../../domain/ids.schema.ts"
import { initialRunState, transition } from "../../domain/run-state.schema.ts"
import { foldRest, openCursor } from "./event-log-reader.effect.ts"
import { fileMode, toStoreError } from "../files/files.effect.ts"
import { checkRegular } from "../files/regular-files.effect.ts"

type Append = {
  readonly body: EventBody
  readonly done: Deferred.Deferred<void, IllegalTransition | StoreError> | undefined
}

/** How many events may be queued before callers have to wait. */
const capacity = 1024

const encoder = new TextEncoder()

/** Receives events that are in the log. */
export type LogListener = (events: ReadonlyArray<MillEvent>) => void

/**
 * Opens the log of a run that this process owns: cuts off a torn last line, reads the events, and writes until the scope
 * closes.
 */
export const openEventLog = Effect.fnUntraced(function* (runId: RunId, path: string, listener?: LogListener) {
  const fs = yield* FileSystem.FileSystem
  // Opening a named pipe to write would wait for a reader.
  yield* checkRegular(path)
  const file = yield* fs
    .open(path, { flag: "a", mode: fileMode })
    .pipe(Effect.mapError(toStoreError(path, "open")))
  const cursor = yield* openCursor(path)
  let state = yield* foldRest(cursor, initialRunState, path)
  yield* fs.truncate(path, cursor.wholeBytes()).pipe(Effect.mapError(toStoreError(path, "repair")))

  const queue = yield* Queue.bounded<Append>(capacity)
  const failed = yield* Deferred.make<never, StoreError>()

  /** Numbers the event and moves the state on, or refuses the event. */
  const enter = (body: EventBody, timestamp: string): Result.Result<MillEvent, IllegalTransition> =>
    Result.map(transition(state, body, timestamp), (next) => {
      const sequence = state.sequence + 1
      state = { ...next, sequence, updatedAt: timestamp }
      return { schemaVersion, runId, sequence, timestamp, ...body }
    })

  /** Refuses also a body that cannot be folded or encoded as JSON. */
  const enterSafely = (body: EventBody, timestamp: string) =>
    Result.flatMap(
      Result.try({
        try: () => Result.map(enter(body, timestamp), (event) => ({ event, line: encodeLogLine(event) })),
        catch: (error) => new IllegalTransition({ type: body.type, reason: String(error) }),
      }),
      (entered) => entered,
    )

  const writeBatch = Effect.fnUntraced(function* (batch: ReadonlyArray<Append>) {
    const timestamp = DateTime.formatIso(yield* DateTime.now)
    let lines = ""
    let durable = false
    const written: Array<Append> = []
    const events: Array<MillEvent> = []
    for (const append of batch) {
      const entered = enterSafely(append.body, timestamp)
      if (Result.isFailure(entered)) {
        if (append.done === undefined) yield* Effect.logWarning(entered.failure.message)
        else yield* Deferred.fail(append.done, entered.failure)
        continue
      }
      lines += `${entered.success.line}\n`
      if (listener !== undefined) events.push(entered.success.event)
      durable ||= isDurable(append.body)
      written.push(append)
    }
    const exit = yield* Effect.exit(
      lines === ""
        ? Effect.void
        : Effect.andThen(file.writeAll(encoder.encode(lines)), durable ? file.sync : Effect.void).pipe(
            Effect.mapError(toStoreError(path, "write")),
          ),
    )
    // Before the appends return, so that listeners see an event before anything that follows from it.
    if (Exit.isSuccess(exit) && events.length > 0) listener?.(events)
    for (const { done } of written) if (done !== undefined) yield* Deferred.done(done, exit)
    if (Exit.isFailure(exit)) yield* Deferred.failCause(failed, exit.cause)
    return exit
  })

  const refuseAll = (exit: Exit.Exit<void, StoreError>) =>
    Queue.take(queue).pipe(
      Effect.flatMap(({ done }) => (done === undefined ? Effect.void : Deferred.done(done, exit))),
      Effect.forever,
    )

  // Interruptible while it waits but not while it writes, so that an interruption never tears a line.
  yield* Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      while (true) {
        const exit = yield* writeBatch(yield* restore(Queue.takeAll(queue)))
        if (Exit.isFailure(exit)) return yield* restore(refuseAll(exit))
      }
    }),
  ).pipe(Effect.forkScoped)

  /** Appends one event. Fails when the run's state does not allow it or the write fails. */
  const append = Effect.fnUntraced(function* (body: EventBody) {
    if (!isDurable(body)) return yield* Effect.asVoid(Queue.offer(queue, { body, done: undefined }))
    const done = yield* Deferred.make<void, IllegalTransition | StoreError>()
    yield* Queue.offer(queue, { body, done })
    yield* Deferred.await(done)
  })

  return {
    append,
    /** Appends events that need not be durable, in order. */
    appendAll: (bodies: ReadonlyArray<EventBody>) =>
      Effect.asVoid(
        Queue.offerAll(
          queue,
          bodies.map((body) => ({ body, done: undefined })),
        ),
      ),
    /** The state after all written events. */
    state: () => state,
    /** Waits for a write to fail. */
    failure: Deferred.await(failed),
  }
})
export type EventLog = Effect.Success<ReturnType<typeof openEventLog>>
