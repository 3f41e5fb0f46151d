/**
 * Processes by their group or their environment, and how they are ended: SIGTERM, a grace period, SIGKILL. A zombie
 * counts as gone: where nothing reaps orphans, as in many containers, waiting for it would be waiting for nothing.
 *
 * Groups and environments are read from /proc, so on Linux alone. Elsewhere a group is there as long as it can be
 * signalled, and nothing is found by its environment.
 */
import { Clock, Duration, Effect, FileSystem } from "effect"
import type { RunId } from "../../domain/ids.schema.ts"

const pollInterval = "10 millis"

/** How long a process may take to go after SIGKILL: it may be in the kernel. */
const killPatience = Duration.seconds(2)

type Signal = "SIGTERM" | "SIGKILL"

const trySignal = (pid: number, name: Signal | 0) =>
  Effect.isSuccess(Effect.try({ try: () => process.kill(pid, name), catch: () => undefined }))

/** Sends a signal to a process, or to a group when `pid` is negative. Nothing happens when there is none. */
export const signal = (pid: number, name: Signal) => Effect.asVoid(trySignal(pid, name))

const decoder = new TextDecoder()

/** The processes whose file `name` in /proc satisfies the predicate; nothing where there is no /proc. */
const processesWhere = Effect.fnUntraced(function* (name: string, matches: (contents: string) => boolean) {
  const fs = yield* FileSystem.FileSystem
  const entries = yield* Effect.option(fs.readDirectory("/proc"))
  if (entries._tag === "None") return undefined
  const found = yield* Effect.filter(
    entries.value.filter((entry) => /^\d+$/.test(entry)),
    (entry) =>
      fs.readFile(`/proc/${entry}/${name}`).pipe(
        Effect.map((bytes) => matches(decoder.decode(bytes))),
        Effect.orElseSucceed(() => false),
      ),
    { concurrency: 16 },
  )
  return found.map(Number)
})

/** Whether anything but zombies is left of a process group. */
const groupLives = Effect.fnUntraced(function* (group: number) {
  if (!(yield* trySignal(-group, 0))) return false
  const members = yield* processesWhere("stat", (stat) => {
    const [state, , pgrp] = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
    return pgrp === String(group) && state !== "Z" && state !== "X"
  })
  return members === undefined || members.length > 0
})

const goneWithin = Effect.fnUntraced(function* <R>(
  patience: Duration.Duration,
  lives: Effect.Effect<boolean, never, R>,
) {
  const deadline = (yield* Clock.currentTimeMillis) + Duration.toMillis(patience)
  while (yield* lives) {
    if ((yield* Clock.currentTimeMillis) >= deadline) return false
    yield* Effect.sleep(pollInterval)
  }
  return true
})

/** Ends a process group. */
export const endGroup = Effect.fn("Processes.endGroup")(function* (group: number, grace: Duration.Duration) {
  yield* signal(-group, "SIGTERM")
  if (yield* goneWithin(grace, groupLives(group))) return
  yield* signal(-group, "SIGKILL")
  yield* goneWithin(killPatience, groupLives(group))
})

/** Live processes, other than `self`, whose environment carries the run's mark. That of a zombie is empty. */
export const markedProcesses = (runId: RunId, self: number) => {
  const mark = `\0MILL_RUN_ID=${runId}\0`
  return Effect.map(
    processesWhere("environ", (environment) => `\0${environment}`.includes(mark)),
    (pids = []) => pids.filter((pid) => pid !== self),
  )
}

/**
 * Ends what a run has started, wherever it has gone: every process that carries its `MILL_RUN_ID`, in whichever group,
 * session or parentage it is by now. One that has cleared its environment, and one of another user, are not found.
 */
export const endMarkedProcesses = Effect.fn("Processes.endMarked")(function* (
  runId: RunId,
  self: number,
  grace: Duration.Duration,
) {
  for (const [name, patience] of [["SIGTERM", grace] as const, ["SIGKILL", killPatience] as const]) {
    const signalled = new Set<number>()
    // One that appears while the others go gets its signal too.
    const lives = Effect.gen(function* () {
      const pids = yield* markedProcesses(runId, self)
      for (const pid of pids) if (!signalled.has(pid)) yield* signal(pid, name)
      for (const pid of pids) signalled.add(pid)
      return pids.length > 0
    })
    if (yield* goneWithin(patience, lives)) return
  }
})
