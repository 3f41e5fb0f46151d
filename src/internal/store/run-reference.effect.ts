/** Which run is meant: its id, the beginning of it, or `last`. Nothing else ever becomes part of a path. */
import { Effect, Schema } from "effect"
import { RunNotFound, UsageError } from "../../domain/error.schema.ts"
import { RunId, RunReference } from "../../domain/ids.schema.ts"
import { describeValue } from "../../domain/untrusted.ts"
import { RunStore } from "./run-store.effect.ts"

const isReference = Schema.is(RunReference)
const isRunId = Schema.is(RunId)

/** The one run that `reference` names. */
export const resolveRun = Effect.fnUntraced(function* (reference: string) {
  if (!isReference(reference)) {
    return yield* new UsageError({
      message: `${describeValue(reference)} is no run id: it may hold letters, digits, _ and - only`,
      hint: "mill ls lists the runs",
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
      message: reference === "last" ? "there are no runs yet" : `there is no run ${reference}`,
      hint: reference === "last" ? "start one with: mill run <program.ts>" : "mill ls lists the runs",
    })
  }
  if (others.length > 0) {
    return yield* new UsageError({
      message: `${reference} is the beginning of ${others.length + 1} run ids`,
      hint: `give more of it: ${[only, ...others].slice(0, 4).join(", ")}`,
    })
  }
  return only
})
