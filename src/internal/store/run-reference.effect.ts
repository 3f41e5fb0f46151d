/** Resolves references to runs: an id, the beginning of one, or `last`. Only a valid run id becomes part of a path. */
import { Effect, Schema } from "effect"
import { RunNotFound, UsageError } from "../../domain/error.schema.ts"
import { RunId, RunReference } from "../../domain/ids.schema.ts"
import { describeValue } from "../../domain/untrusted.ts"
import { RunStore } from "./run-store.effect.ts"

const isReference = Schema.is(RunReference)
const isRunId = Schema.is(RunId)

export const resolveRun = Effect.fnUntraced(function* (reference: string) {
  if (!isReference(reference)) {
    return yield* new UsageError({
      message: `${describeValue(reference)} is not a valid run id; run ids contain only letters, digits, _ and -`,
      hint: "run mill ls to list the runs",
    })
  }
  const store = yield* RunStore
  if (isRunId(reference) && (yield* store.exists(reference))) return reference
  const names = yield* store.names
  const matches =
    reference === "last" ? names.slice(0, 1) : names.filter((name) => name.startsWith(reference))
  const [only, ...others] = matches
  if (only === undefined) {
    return yield* new RunNotFound({
      run: reference,
      message: reference === "last" ? "there are no runs yet" : `no run matches ${reference}`,
      hint: reference === "last" ? "start one with: mill run <program.ts>" : "run mill ls to list the runs",
    })
  }
  if (others.length > 0) {
    return yield* new UsageError({
      message: `${reference} is ambiguous: ${others.length + 1} run ids start with it`,
      hint: `use a longer prefix: ${[only, ...others].slice(0, 4).join(", ")}`,
    })
  }
  return only
})
