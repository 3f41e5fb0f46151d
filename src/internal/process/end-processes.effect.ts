/**
 * Waits for processes and ends them: SIGTERM, a grace period, SIGKILL. A zombie counts as gone: where no process reaps
 * orphans, as in many containers, a zombie stays forever.
 */
import { Clock, Duration, Effect } from "effect"
import type { RunId } from "../../domain/ids.schema.ts"
import type { Finders } from "./find-processes.effect.ts"
import type { ProcessIdentity } from "./process-identity.schema.ts"

const pollInterval = "10 millis"

/** How long a process may take to go after SIGKILL: it may be in the kernel. */
const killPatience = Duration.seconds(2)

export type Signal = "SIGTERM" | "SIGKILL"

/** Polls until nothing lives any more; false when the patience ran out first. */
const awaitDeath = Effect.fnUntraced(function* (lives: Effect.Effect<boolean>, patience: Duration.Input) {
  const deadline = (yield* Clock.currentTimeMillis) + Duration.toMillis(Duration.fromInputUnsafe(patience))
  while (yield* lives) {
    if ((yield* Clock.currentTimeMillis) >= deadline) return false
    yield* Effect.sleep(pollInterval)
  }
  return true
})

/** The methods of `Processes` that wait for processes and end them. `self` is the process that must not end itself. */
export const makeEnders = (
  { findMarked, isAlive, isGroupAlive }: Finders,
  signal: (pid: number, name: Signal) => Effect.Effect<void>,
  self: number,
) => {
  const awaitGone = Effect.fn("Processes.awaitGone")((identity: ProcessIdentity, patience: Duration.Input) =>
    awaitDeath(isAlive(identity), patience),
  )

  const endGroup = Effect.fn("Processes.endGroup")(function* (group: number, grace: Duration.Duration) {
    yield* signal(-group, "SIGTERM")
    if (yield* awaitDeath(isGroupAlive(group), grace)) return
    yield* signal(-group, "SIGKILL")
    yield* awaitDeath(isGroupAlive(group), killPatience)
  })

  const endMarked = Effect.fn("Processes.endMarked")(function* (runId: RunId, grace: Duration.Duration) {
    for (const [name, patience] of [["SIGTERM", grace] as const, ["SIGKILL", killPatience] as const]) {
      const signalled = new Set<number>()
      // Processes that appear meanwhile get the signal too.
      const lives = Effect.gen(function* () {
        const found = yield* findMarked(runId)
        const pids = found.pids.filter((pid) => pid !== self)
        for (const pid of pids) if (!signalled.has(pid)) yield* signal(pid, name)
        for (const pid of pids) signalled.add(pid)
        return pids.length > 0 || !found.isComplete
      })
      if (yield* awaitDeath(lives, patience)) return
    }
  })

  return { awaitGone, endGroup, endMarked }
}
