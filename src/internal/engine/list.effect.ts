/** Lists runs, newest first. One that cannot be read is told of, and the list goes on without it. */
import { Effect } from "effect"
import type { RunRecord, RunStatus } from "../../domain/run.schema.ts"
import { RunStore } from "../store/run-store.effect.ts"
import { currentRecord } from "./reconcile.effect.ts"

/** Which runs, and how many at the most. */
export type RunFilter = { readonly status?: RunStatus; readonly limit: number }

/** A run that could not be read. */
export type Unreadable = { readonly runId: string; readonly message: string }

/** The newest runs that the filter lets through, and those that were met on the way and could not be read. */
export const listRuns = Effect.fn("Engine.list")(function* ({ limit, status }: RunFilter) {
  const store = yield* RunStore
  const runs: Array<RunRecord> = []
  const unreadable: Array<Unreadable> = []
  for (const runId of yield* store.names) {
    if (runs.length >= limit) break
    const found = yield* Effect.result(currentRecord(runId))
    if (found._tag === "Failure") unreadable.push({ runId, message: found.failure.message })
    else if (status === undefined || found.success.status === status) runs.push(found.success)
  }
  return { runs, unreadable }
})
