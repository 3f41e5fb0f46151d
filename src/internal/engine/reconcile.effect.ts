/**
 * Reconciles runs whose worker has died: ends their remaining processes and settles them. Any command that meets such a
 * run does so. One command becomes the run's owner, and the others wait for the snapshots that it writes; if that owner
 * dies too, another takes over.
 */
import { Clock, Duration, Effect, Option, Schema } from "effect"
import { type LogError, StoreError } from "../../domain/error.schema.ts"
import { isOwnRunId, type RunId } from "../../domain/ids.schema.ts"
import { lostMessage, type RunPaths } from "../../domain/run.schema.ts"
import { readCreatedAt } from "../../domain/run-time.ts"
import { Settings } from "../config/settings.effect.ts"
import { hasWorker } from "../control/worker-connection.effect.ts"
import { removeContainer } from "../executors/container.effect.ts"
import { readRegular } from "../files/regular-files.effect.ts"
import { maxIdentityBytes, ProcessIdentity } from "../process/process-identity.schema.ts"
import { Processes } from "../process/processes.effect.ts"
import { foldLog } from "../store/event-log-reader.effect.ts"
import { readLastOwner, releaseOwnership, takeOwnership } from "../store/owner-lock.effect.ts"
import { readFacts, readRecord, salvageRecord } from "../store/run-record.effect.ts"
import { RunStore } from "../store/run-store.effect.ts"
import { launchFile } from "./launch.effect.ts"
import { type Settlement, settleRun } from "./settle.effect.ts"
import { readSpawnFiles, type SpawnFile } from "./spawn-files.effect.ts"

/** How long a submitter may take between creating a run's folder and starting its worker. */
const launchTimeout = Duration.seconds(10)

/** The time between SIGTERM and SIGKILL for processes of a lost run. It is short because a command is waiting. */
const lostGrace = Duration.millis(500)

const decodeIdentity = Schema.decodeUnknownOption(Schema.fromJsonString(ProcessIdentity))

const workerLost: Settlement = {
  type: "run:failed",
  payload: { message: lostMessage, cause: "worker-lost" },
}

/** Reads which process was started to become the run's worker, if that is known. */
export const readLaunchedProcess = Effect.fnUntraced(function* (paths: RunPaths) {
  const text = yield* Effect.orElseSucceed(readRegular(launchFile(paths), maxIdentityBytes), () => undefined)
  return Option.getOrUndefined(decodeIdentity(text))
})

/** Whether no process is working on the run, and none is going to. */
const isAbandoned = Effect.fnUntraced(function* (runId: RunId, paths: RunPaths) {
  const { isAlive } = yield* Processes
  const owner = yield* readLastOwner(paths.runDir)
  if (owner !== undefined) return !(yield* isAlive(owner.identity)) && !(yield* hasWorker(runId))
  const launched = yield* readLaunchedProcess(paths)
  if (launched !== undefined) return !(yield* isAlive(launched))
  const age = (yield* Clock.currentTimeMillis) - readCreatedAt(runId)
  return age > Duration.toMillis(launchTimeout)
})

/** Ends the recorded process groups, unless their pids now belong to other processes. */
const endGroups = Effect.fnUntraced(function* (paths: RunPaths, grace: Duration.Duration) {
  const { endGroup, isAlive } = yield* Processes
  const end = Effect.fnUntraced(function* ({ outcome, process }: SpawnFile) {
    if (process === undefined || outcome !== undefined) return
    if (yield* isAlive(process)) yield* endGroup(process.pid, grace)
  })
  yield* Effect.forEach(yield* readSpawnFiles(paths), end, { concurrency: 32, discard: true })
})

/**
 * Ends the remaining processes of a run that has ended, and returns those that could not be ended. Looks at the agents'
 * process groups too, because the environment of other users' processes cannot be read.
 */
export const endLeft = Effect.fn("Run.endLeft")(function* (runId: RunId) {
  // Only the version that started the run may end its processes.
  if (!isOwnRunId(runId)) return []
  const { endMarked, findLeft } = yield* Processes
  const files = yield* readSpawnFiles((yield* RunStore).paths(runId))
  const leaders = files.flatMap(({ process }) => (process === undefined ? [] : [process]))
  const left = yield* findLeft(runId, leaders)
  if (left.length === 0) return left
  yield* endMarked(runId, lostGrace)
  return yield* findLeft(runId, leaders)
})

/** Ends the processes that a dead worker has left running. Without the run's plan, its container is unknown. */
const endProcesses = Effect.fnUntraced(function* (runId: RunId) {
  const processes = yield* Processes
  const store = yield* RunStore
  const plan = yield* Effect.option(store.plan(runId))
  yield* Effect.all(
    [
      endGroups(store.paths(runId), lostGrace),
      processes.endMarked(runId, lostGrace),
      plan._tag === "None" ? Effect.void : removeContainer({ executor: plan.value.executor, runId }),
    ],
    { concurrency: "unbounded", discard: true },
  )
})

/**
 * Takes the run over from a dead worker and settles it. Uninterruptible: a live owner must finish, as other commands wait
 * for it.
 */
export const takeOver = Effect.fn("Run.takeOver")(function* (runId: RunId, settlement: Settlement) {
  const { pid } = yield* Settings
  const store = yield* RunStore
  const paths = store.paths(runId)
  const { facts } = yield* readFacts(runId)
  // A process must not own a run with a damaged log: it could not end the run, and would take itself for the run's worker.
  yield* Effect.tapError(foldLog(paths.eventsFile), () => endProcesses(runId))
  yield* takeOwnership(runId, paths.runDir, pid)
  return yield* Effect.gen(function* () {
    yield* endProcesses(runId)
    // Another command may have settled the run since this one checked.
    return (yield* store.endedRecord(runId)) ?? (yield* settleRun(facts, settlement))
    // This process lives on, and must not keep others from trying.
  }).pipe(Effect.onError(() => releaseOwnership(paths.runDir, pid)))
}, Effect.uninterruptible)

/** Fails for a run of an older version that has not ended, because this version cannot determine whether its worker is alive. */
export const refuseOlder = Effect.fnUntraced(function* (runId: RunId) {
  if (isOwnRunId(runId)) return
  const path = (yield* RunStore).paths(runId).runDir
  const message = `${runId} was started by an older version of mill and has not ended; this version can only read it`
  return yield* new StoreError({ path, message, hint: "use the version of mill that started the run" })
})

/** Settles the run if its worker has died. Does nothing if another command is doing so. */
export const settleIfLost = Effect.fn("Run.settleIfLost")(function* (runId: RunId) {
  yield* refuseOlder(runId)
  const store = yield* RunStore
  if (!(yield* isAbandoned(runId, store.paths(runId)))) return
  // The worker may have finished the run before it exited.
  if ((yield* store.endedRecord(runId)) !== undefined) return
  yield* Effect.catchTag(takeOver(runId, workerLost), "OwnerExists", () => Effect.void)
})

/** Makes the run's record from what can be read of it. */
export const salvage = Effect.fnUntraced(function* (runId: RunId, error: LogError) {
  const paths = (yield* RunStore).paths(runId)
  return yield* salvageRecord(runId, error, isAbandoned(runId, paths))
})

/** Reads the record of the run, after settling the run if its worker has died. */
export const reconcileRun = Effect.fn("Run.reconcile")(function* (runId: RunId) {
  const store = yield* RunStore
  const ended = yield* store.endedRecord(runId)
  if (ended !== undefined) return ended
  if (!isOwnRunId(runId)) return (yield* store.snapshot(runId)) ?? (yield* readRecord(runId))
  return yield* Effect.andThen(settleIfLost(runId), readRecord(runId)).pipe(
    Effect.catchTags({
      IllegalLine: (error) => salvage(runId, error),
      StoreError: (error) => salvage(runId, error),
    }),
  )
})
