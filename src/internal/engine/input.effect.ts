/** What the engine's callers pass, judged: a caller may be a script that nobody has type-checked. */
import { Duration, Effect, Option, Schema } from "effect"
import { InitOptions, RunFilter, SpawnRef } from "../../domain/engine.schema.ts"
import { PreparedRun, SubmitInput } from "../../domain/submission.schema.ts"
import { UsageError } from "../../domain/error.schema.ts"
import { inputProblem, shown } from "../../domain/value-problem.schema.ts"

/** Makes a judge of what the method `what` is given. */
export const checker = <
  Fields extends Schema.Struct.Fields & Readonly<Record<string, Schema.ConstraintDecoder<unknown>>>,
>(
  what: string,
  schema: Schema.Struct<Fields>,
) => {
  const decode = Schema.decodeUnknownEffect(schema, { onExcessProperty: "error" })
  const keys = Object.keys(schema.fields)
  return (value: unknown) =>
    Effect.suspend(() => decode(value)).pipe(
      Effect.mapError((error) => {
        const { hint, message } = inputProblem("its argument", () => keys, value, error)
        return new UsageError({ message: `${what}: ${message}`, ...(hint === undefined ? {} : { hint }) })
      }),
      // Getters and proxies are code, which may fail.
      Effect.catchDefect(() =>
        Effect.fail(
          new UsageError({ message: `${what}: its argument cannot be read: reading a value throws` }),
        ),
      ),
    )
}

export const checkSubmitInput = checker("submit", SubmitInput)
export const checkRunFilter = checker("list", RunFilter)
export const checkSpawnRef = checker("inspect", SpawnRef)
export const checkInitOptions = checker("init", InitOptions)
export const checkReason = checker("cancel", Schema.Struct({ reason: Schema.UndefinedOr(Schema.String) }))

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

/** Whether it says how long: of what says nothing Effect makes no time at all. */
const saysHowLong = (value: unknown): boolean => {
  if (typeof value === "number") return !Number.isNaN(value)
  if (typeof value !== "object" || Duration.isDuration(value)) return true
  if (Array.isArray(value)) return value.every(saysHowLong)
  const entries = Object.entries(value ?? {})
  return entries.length > 0 && entries.every(([unit, number]) => units.has(unit) && saysHowLong(number))
}

const isTimeout = (value: Duration.Input): boolean =>
  saysHowLong(value) && Duration.toMillis(Duration.fromInputUnsafe(value)) >= 0

const isSafely = <A>(is: (value: A) => boolean, value: A): boolean =>
  Option.getOrElse(Option.liftThrowable(is)(value), () => false)

export const checkTimeout = (timeout: Duration.Input | undefined) =>
  timeout === undefined || isSafely(isTimeout, timeout)
    ? Effect.void
    : Effect.fail(
        new UsageError({
          message: `wait: timeout is ${shown(timeout)}; expected milliseconds from 0 on, or for example "1 minute"`,
        }),
      )

const isPrepared = Schema.is(PreparedRun)

/** A run that `prepare` has given; `what` is the method that takes it. */
export const checkPrepared = (what: string, value: PreparedRun) =>
  isSafely(isPrepared, value)
    ? Effect.succeed(value)
    : Effect.fail(
        new UsageError({
          message: `${what}: ${shown(value)} is no prepared run`,
          hint: "give it what prepare gives",
        }),
      )
