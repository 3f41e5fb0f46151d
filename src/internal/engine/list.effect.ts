/** Lists runs, newest first. One that cannot be read is told of, and the list goes on without it. */
import { Effect } from "effect"
import type { ListedRuns, RunFilter } from "../../domain/engine.schema.ts"
import type { RunRecord } from "../../domain/run.schema.ts"
import { RunStore } from "../store/run-store.effect.ts"
import { currentRecord } from "./reconcile.effect.ts"

/** How many runs are looked at at a time. */
const batch = 32

/** The newest runs that the filter lets through, and those that were met on the way and could not be read. */
export const listRuns = Effect.fn("Engine.list")(function* ({ limit = 50, status }: RunFilter) {
  const store = yield* RunStore
  const runs: Array<RunRecord> = []
  const unreadable: Array<ListedRuns["unreadable"][number]> = []
  const names = yield* store.names
  for (let start = 0; start < names.length && runs.length < limit; start += batch) {
    // Side by side, since one whose worker is gone takes its time to be settled.
    const found = yield* Effect.forEach(
      names.slice(start, start + batch),
      (runId) => Effect.map(Effect.result(currentRecord(runId)), (result) => ({ runId, result })),
      { concurrency: batch },
    )
    for (const { result, runId } of found) {
      if (runs.length >= limit) break
      if (result._tag === "Failure") unreadable.push({ runId, message: result.failure.message })
      else if (status === undefined || result.success.status === status) runs.push(result.success)
    }
  }
  return { runs, unreadable } satisfies ListedRuns
})
