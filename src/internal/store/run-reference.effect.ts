/** Resolves references to runs: an id, the beginning of one, or `last`. Only a valid run id becomes part of a path. */
import { Effect, Schema } from "effect"
import { RunNotFound, UsageError } from "../../domain/error.schema.ts"
import { isOwnRunId, RunId, RunReference } from "../../domain/ids.schema.ts"
import { describeValue } from "../../domain/untrusted.ts"
import { RunStore } from "./run-store.effect.ts"

const isReference = Schema.is(RunReference)
const isRunId = Schema.is(RunId)

/** Finds the runs of older versions whose names start with `prefix`. */
const findOlder = Effect.fnUntraced(function* (prefix: string) {
  const store = yield* RunStore
  const { older } = yield* store.others
  const found = older.filter((name) => name.startsWith(prefix))
  return yield* Effect.filter(found, (name) =>
    Effect.map(store.snapshot(name), (record) => record !== undefined),
  )
})

/** Fails if an entry of the runs directory is not a run. */
const checkRun = Effect.fnUntraced(function* (name: RunId) {
  const store = yield* RunStore
  if (isOwnRunId(name) || (yield* store.snapshot(name)) !== undefined) return name
  return yield* new RunNotFound({
    run: name,
    message: `${store.paths(name).runDir} is not a mill run: it has no run.json that mill can read`,
    hint: "run mill ls to list the runs",
  })
})

export const resolveRun = Effect.fnUntraced(function* (reference: string) {
  if (!isReference(reference)) {
    return yield* new UsageError({
      message: `${describeValue(reference)} is not a valid run id; run ids contain only letters, digits, _ and -`,
      hint: "run mill ls to list the runs",
    })
  }
  const store = yield* RunStore
  if (isRunId(reference) && (yield* store.exists(reference))) return yield* checkRun(reference)
  const names = yield* store.names
  const own = reference === "last" ? names.slice(0, 1) : names.filter((name) => name.startsWith(reference))
  const matches = own.length > 0 || reference === "last" ? own : yield* findOlder(reference)
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
