/** Reads a run's metadata from the command line. */
import { Effect, Result, Schema } from "effect"
import { UsageError } from "../domain/error.schema.ts"
import { decodeUntrusted } from "../domain/untrusted.ts"

type Metadata = Readonly<Record<string, string>>

const decodeMetadata = decodeUntrusted(Schema.Record(Schema.String, Schema.String), { whole: "the value" })

const parseJson = Schema.decodeUnknownResult(Schema.fromJsonString(Schema.Unknown))

const decodeJson = (text: string): Result.Result<Metadata, UsageError> => {
  const refuse = (problem: string) =>
    new UsageError({
      message: `--meta-json: ${problem}`,
      hint: `pass a JSON object of strings, such as '{"ticket":"7"}'`,
    })
  return Result.flatMap(
    Result.mapError(parseJson(text), () => refuse("the value is not valid JSON")),
    (value) => Result.mapError(decodeMetadata(value), ({ message }) => refuse(message)),
  )
}

/** Joins the values of `--meta` and `--meta-json`. Refuses a key with two different values. */
export const readMetadata = Effect.fnUntraced(function* (
  meta: Metadata | undefined,
  json: string | undefined,
) {
  if (json === undefined) return meta
  const more = yield* Effect.fromResult(decodeJson(json))
  for (const [key, value] of Object.entries(meta ?? {})) {
    if (Object.hasOwn(more, key) && more[key] !== value) {
      return yield* new UsageError({
        message: `--meta and --meta-json have different values for ${JSON.stringify(key)}`,
        hint: "pass the key once",
      })
    }
  }
  return { ...more, ...meta }
})
