/** Lists runs, newest first. Runs that cannot be read are listed separately. */
import { Effect } from "effect"
import type { ListedRuns, RunFilter } from "../../domain/engine.schema.ts"
import { StoreError } from "../../domain/error.schema.ts"
import type { RunRecord } from "../../domain/run.schema.ts"
import { RunStore } from "../store/run-store.effect.ts"
import { reconcileRun } from "./reconcile.effect.ts"

/** How many runs are read at a time. */
const batchSize = 32

/** The newest runs that match the filter, and the unreadable ones among those looked at. */
export const listRuns = Effect.fn("Engine.list")(function* ({ limit = 50, status }: RunFilter) {
  const store = yield* RunStore
  const runs: Array<RunRecord> = []
  const unreadable: Array<ListedRuns["unreadable"][number]> = []
  const names = yield* store.names
  for (let start = 0; start < names.length && runs.length < limit; start += batchSize) {
    // Settling a run whose worker has died takes time: read them concurrently.
    const found = yield* Effect.forEach(
      names.slice(start, start + batchSize),
      (runId) =>
        reconcileRun(runId).pipe(
          // Whatever is wrong with one run, the others are listed.
          Effect.catchDefect(
            (defect) => new StoreError({ path: store.paths(runId).runDir, message: String(defect) }),
          ),
          Effect.result,
          Effect.map((result) => ({ runId, result })),
        ),
      { concurrency: batchSize },
    )
    for (const { result, runId } of found) {
      if (runs.length >= limit) break
      if (result._tag === "Failure") unreadable.push({ runId, message: result.failure.message })
      else if (status === undefined || result.success.status === status) runs.push(result.success)
    }
  }
  const others = yield* store.others
  const found = yield* Effect.forEach(others.older, store.snapshot, { concurrency: batchSize })
  const older = found.filter((record) => record !== undefined)
  const unknown = others.unknown + others.older.length - older.length
  const matching = older.filter((record) => status === undefined || record.status === status)
  if (matching.length === 0) return { runs, unreadable, unknown } satisfies ListedRuns
  const all = [...runs, ...matching].sort((a, b) => Date.parse(b.createdAt) - Date.parse(a.createdAt))
  return { runs: all.slice(0, limit), unreadable, unknown } satisfies ListedRuns
})
