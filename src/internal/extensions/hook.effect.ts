/**
 * Runs what the author of an extension wrote. It promises: whatever a hook or a function throws, rejects, fails or dies
 * with is one failure with a message, and nobody waits longer than is said. It cannot interrupt what computes without
 * a pause: hooks share the worker's one thread.
 */
import { Cause, type Duration, Effect, Fiber, Predicate, Schema, type Scope } from "effect"
import { cutText } from "../../domain/cut-text.ts"

/** How much of a message is told: characters. */
const messageLimit = 2000

/** A hook or a function that failed. */
export class HookFailure extends Schema.TaggedError<HookFailure>()("HookFailure", {
  message: Schema.String,
}) {}

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null

/** What a thrown value says. */
const spoken = (thrown: unknown): string => {
  // What Effect makes of a rejection of which nothing is known says nothing itself.
  if (Predicate.isTagged(thrown, "UnknownError") && "cause" in thrown) return spoken(thrown.cause)
  if (isObject(thrown) && "message" in thrown && typeof thrown.message === "string" && thrown.message !== "")
    return thrown.message
  if (isObject(thrown) && "name" in thrown && typeof thrown.name === "string") return thrown.name
  return isObject(thrown) ? (JSON.stringify(thrown) ?? "an object") : String(thrown)
}

/** What a thrown value says, whatever it is: asking it may throw again. */
export const messageOf = (thrown: unknown): Effect.Effect<string> =>
  Effect.try({ try: () => cutText(spoken(thrown), messageLimit), catch: () => undefined }).pipe(
    Effect.orElseSucceed(() => "something that cannot be told"),
  )

const asFailure = Effect.fnUntraced(function* (cause: Cause.Cause<unknown>) {
  const message = Cause.hasInterruptsOnly(cause)
    ? "it was interrupted"
    : yield* messageOf(Cause.squash(cause))
  return yield* new HookFailure({ message })
})

/** Says what is wrong with what was given, and has a Promise's rejection heard, which would end the worker. */
const notAnEffect = Effect.fnUntraced(function* (given: unknown) {
  if (Predicate.isPromiseLike(given)) {
    yield* Effect.forkDetach(Effect.ignore(Effect.tryPromise(() => given)), { startImmediately: true })
  }
  const what = Predicate.isPromiseLike(given) ? "a Promise" : isObject(given) ? "an object" : String(given)
  return yield* new HookFailure({
    message: `it gave ${what}, not an Effect (of effect 4): write Effect.promise(async () => { … }), for example`,
  })
})

/** All that an effect may fail with. */
type Anything = object | string | number | boolean | bigint | symbol | null | undefined

const isHookEffect = (value: unknown): value is Effect.Effect<unknown, Anything, Scope.Scope> =>
  Effect.isEffect(value)

/** The effect that a hook gives. */
export const runHook = (hook: () => unknown): Effect.Effect<void, HookFailure, Scope.Scope> =>
  Effect.suspend(() => {
    const given = hook()
    return isHookEffect(given) ? Effect.catchCause(given, asFailure) : notAnEffect(given)
  }).pipe(
    Effect.asVoid,
    Effect.catchDefect((defect) => asFailure(Cause.die(defect))),
  )

/** What a function of an extension's gives in the end: it may give a Promise, or a value at once. */
export const runFunction = (call: () => unknown) =>
  Effect.suspend(() => {
    const given = call()
    return Predicate.isPromiseLike(given) ? Effect.tryPromise(() => given) : Effect.succeed(given)
  }).pipe(Effect.catchCause(asFailure))

/**
 * The effect's end, or nothing when the time is up: then it is interrupted, and left behind if it does not heed that.
 * It is also when the one who waits is interrupted.
 */
export const within = Effect.fnUntraced(function* <A, E, R>(
  limit: Duration.Input,
  effect: Effect.Effect<A, E, R>,
) {
  const fiber = yield* Effect.forkDetach(effect)
  return yield* Fiber.await(fiber).pipe(
    Effect.timeoutOption(limit),
    Effect.ensuring(Effect.sync(() => fiber.interruptUnsafe())),
  )
})
