/** Checks the arguments of the engine's methods: the caller may be a script without types. */
import { Duration, Effect, Option, Predicate, Result, Schema } from "effect"
import { InitOptions, RunFilter, SpawnRef } from "../../domain/engine.schema.ts"
import { UsageError } from "../../domain/error.schema.ts"
import { PreparedRun, SubmitInput } from "../../domain/submission.schema.ts"
import { decodeUntrusted, describeValue } from "../../domain/untrusted.ts"

/** Makes a check of the argument of a method. */
export const makeInputCheck = <A>(method: string, schema: Schema.ConstraintDecoder<A>) => {
  const decode = decodeUntrusted(schema, { whole: "the argument" })
  return (value: unknown) =>
    Effect.mapError(
      Effect.fromResult(decode(value)),
      ({ hint, message }) => new UsageError({ message: `${method}: ${message}`, hint }),
    )
}

export const checkSubmitInput = makeInputCheck("submit", SubmitInput)
export const checkRunFilter = makeInputCheck("list", RunFilter)
export const checkSpawnRef = makeInputCheck("inspect", SpawnRef)
export const checkInitOptions = makeInputCheck("init", InitOptions)
export const checkReason = makeInputCheck("cancel", Schema.Struct({ reason: Schema.optional(Schema.String) }))

const units = new Set([
  "weeks",
  "days",
  "hours",
  "minutes",
  "seconds",
  "milliseconds",
  "microseconds",
  "nanoseconds",
])

/** Whether a value states an amount of time. Effect reads NaN, and an object without a known unit, as zero. */
const statesAmount = (value: unknown): boolean => {
  if (!Predicate.isObjectOrArray(value) || Duration.isDuration(value)) return !Number.isNaN(value)
  const amounts = Object.entries(value).filter(([, amount]) => amount !== undefined)
  const isAmount = ([unit, amount]: readonly [string, unknown]) =>
    Predicate.isNumber(amount) && !Number.isNaN(amount) && (Array.isArray(value) || units.has(unit))
  return amounts.length > 0 && amounts.every(isAmount)
}

const isTimeout = Option.liftThrowable(
  (value: Duration.Input) => statesAmount(value) && !Duration.isNegative(Duration.fromInputUnsafe(value)),
)

export const checkTimeout = (method: string, timeout: Duration.Input | undefined) =>
  timeout === undefined || Option.contains(isTimeout(timeout), true)
    ? Effect.void
    : new UsageError({
        message: `${method}: timeout is ${describeValue(timeout)}; expected a non-negative number of milliseconds or a duration such as "1 minute"`,
      })

const decodePrepared = decodeUntrusted(PreparedRun, { whole: "the argument", unknownKeys: "ignore" })

/** Checks that a run comes from `prepare`; `method` takes it. */
export const checkPrepared = (method: string, value: PreparedRun) =>
  Result.isSuccess(decodePrepared(value))
    ? Effect.succeed(value)
    : new UsageError({
        message: `${method}: ${describeValue(value)} is not a prepared run`,
        hint: "pass the value returned by prepare()",
      })
