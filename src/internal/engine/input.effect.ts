/** What the engine's callers pass, judged: a caller may be a script that nobody has type-checked. */
import { Effect, Schema } from "effect"
import { RunFilter } from "../../domain/engine.schema.ts"
import { SubmitInput } from "../../domain/submission.schema.ts"
import { UsageError } from "../../domain/error.schema.ts"
import { inputProblem } from "../../domain/value-problem.schema.ts"

const checker = <
  Fields extends Schema.Struct.Fields & Readonly<Record<string, Schema.ConstraintDecoder<unknown>>>,
>(
  what: string,
  schema: Schema.Struct<Fields>,
) => {
  const decode = Schema.decodeUnknownEffect(schema, { onExcessProperty: "error" })
  const keys = Object.keys(schema.fields)
  return (value: unknown) =>
    Effect.mapError(decode(value), (error) => {
      const { hint, message } = inputProblem("its argument", () => keys, value, error)
      return new UsageError({ message: `${what}: ${message}`, ...(hint === undefined ? {} : { hint }) })
    })
}

export const checkSubmitInput = checker("submit", SubmitInput)
export const checkRunFilter = checker("list", RunFilter)
