/**
 * Runs an extension's code. Any exception, rejection, failure or defect of a hook or a function becomes one failure with a
 * message, and every wait has a limit. Code that computes without a pause cannot be interrupted: hooks share the worker's
 * one thread.
 */
import { Cause, type Duration, Effect, Fiber, Predicate, Schema, type Scope } from "effect"
import { cutText } from "../../domain/cut-text.ts"

/** How many characters of a message are reported. */
const messageLimit = 2000

export class HookFailure extends Schema.TaggedError<HookFailure>()("HookFailure", {
  message: Schema.String,
}) {}

const readMessage = (thrown: unknown): string => {
  // Effect's wrapper of a rejection has no message of its own.
  if (Predicate.isTagged(thrown, "UnknownError") && "cause" in thrown) return readMessage(thrown.cause)
  if (typeof thrown !== "object" || thrown === null) return String(thrown)
  if ("message" in thrown && typeof thrown.message === "string" && thrown.message !== "")
    return thrown.message
  if ("name" in thrown && typeof thrown.name === "string") return thrown.name
  return JSON.stringify(thrown) ?? "an object"
}

/** The message of a thrown value, whatever it is: reading it may throw again. */
export const formatThrown = (thrown: unknown): Effect.Effect<string> =>
  Effect.try({ try: () => cutText(readMessage(thrown), messageLimit), catch: () => undefined }).pipe(
    Effect.orElseSucceed(() => "an unprintable error"),
  )

const failWithMessage = Effect.fnUntraced(function* (cause: Cause.Cause<unknown>) {
  const message = Cause.hasInterruptsOnly(cause) ? "interrupted" : yield* formatThrown(Cause.squash(cause))
  return yield* new HookFailure({ message })
})

/**
 * Fails for a hook that did not return an Effect. A Promise is awaited, since a rejection that is not would end the worker.
 */
const refuseResult = Effect.fnUntraced(function* (result: unknown) {
  const isPromise = Predicate.isPromiseLike(result)
  if (isPromise) {
    yield* Effect.forkDetach(Effect.ignore(Effect.tryPromise(() => result)), { startImmediately: true })
  }
  const what = isPromise ? "a Promise" : Predicate.isObjectOrArray(result) ? "an object" : String(result)
  return yield* new HookFailure({
    message: `returned ${what} instead of an Effect (from effect 4); return Effect.promise(async () => { … }), for example`,
  })
})

/** Any value that an effect may fail with. */
type Anything = object | string | number | boolean | bigint | symbol | null | undefined

const isHookEffect = (value: unknown): value is Effect.Effect<unknown, Anything, Scope.Scope> =>
  Effect.isEffect(value)

/** Runs a hook and the effect that it returns. */
export const runHook = (hook: () => unknown): Effect.Effect<void, HookFailure, Scope.Scope> =>
  Effect.suspend(() => {
    const result = hook()
    return isHookEffect(result) ? Effect.catchCause(result, failWithMessage) : refuseResult(result)
  }).pipe(
    Effect.asVoid,
    Effect.catchDefect((defect) => failWithMessage(Cause.die(defect))),
  )

/** Runs a function that an extension adds; it may return a Promise or a plain value. */
export const runFunction = (call: () => unknown) =>
  Effect.suspend(() => {
    const result = call()
    return Predicate.isPromiseLike(result) ? Effect.tryPromise(() => result) : Effect.succeed(result)
  }).pipe(Effect.catchCause(failWithMessage))

/**
 * Waits for an effect's exit, for `limit` at most; `None` on timeout. The effect is then interrupted, and left
 * behind if it ignores that, as it is when the caller is interrupted.
 */
export const runWithin = Effect.fnUntraced(function* <A, E, R>(
  limit: Duration.Input,
  effect: Effect.Effect<A, E, R>,
) {
  const fiber = yield* Effect.forkDetach(effect)
  return yield* Fiber.await(fiber).pipe(
    Effect.timeoutOption(limit),
    Effect.ensuring(Effect.sync(() => fiber.interruptUnsafe())),
  )
})
