/**
 * Tells the truth about runs whose worker is gone: ends what is left of their processes, and brings them to their
 * end. Any command that meets such a run does it; the one that becomes the run's owner, while the others wait for what
 * it writes. An owner that dies in the middle is followed by the next.
 */
import { Clock, Duration, Effect, FileSystem, Option, Schema } from "effect"
import { readCreatedAt, type RunId } from "../../domain/ids.schema.ts"
import type { RunPaths } from "../../domain/run.schema.ts"
import { isTerminalStatus } from "../../domain/run.schema.ts"
import { Settings } from "../config/settings.effect.ts"
import { removeContainer } from "../executors/container.effect.ts"
import { endGroup, endMarkedProcesses } from "../process/process-tree.effect.ts"
import { isAlive, ProcessIdentity } from "../process/process-identity.effect.ts"
import { lastOwner, takeOwnership } from "../store/owner-lock.effect.ts"
import { RunStore } from "../store/run-store.effect.ts"
import { launchFile } from "./launch.effect.ts"
import { type Settlement, settleRun } from "./settle.effect.ts"
import { SpawnFile } from "./spawn-files.effect.ts"

/** How long a submitter may take from making a run's folder to starting its worker. */
const launchPatience = Duration.seconds(10)

/** What processes of a lost run get between SIGTERM and SIGKILL: whoever asks about the run waits for it. */
const lostGrace = Duration.millis(500)

const decodeIdentity = Schema.decodeUnknownOption(Schema.fromJsonString(ProcessIdentity))
const decodeSpawnFile = Schema.decodeUnknownOption(Schema.fromJsonString(SpawnFile))

const lost: Settlement = {
  type: "run:failed",
  payload: { message: "the run's worker is gone", cause: "worker-lost" },
}

/** Whether the run's worker answers. How it is asked is loaded on use: few commands have to. */
const workerAnswers = (runId: RunId) =>
  Effect.flatMap(
    Effect.promise(() => import("../control/control-client.effect.ts")),
    (client) => client.workerAnswers(runId),
  )

/** The process that was started to be the run's worker, if that is known. */
export const launchedProcess = Effect.fnUntraced(function* (paths: RunPaths) {
  const fs = yield* FileSystem.FileSystem
  const text = yield* Effect.orElseSucceed(fs.readFileString(launchFile(paths)), () => "")
  return Option.getOrUndefined(decodeIdentity(text))
})

/** Whether nobody works on the run, or ever will. */
const isAbandoned = Effect.fnUntraced(function* (runId: RunId, paths: RunPaths) {
  const owner = yield* lastOwner(paths.runDir)
  if (owner !== undefined) return !(yield* isAlive(owner.identity)) && !(yield* workerAnswers(runId))
  const launched = yield* launchedProcess(paths)
  if (launched !== undefined) return !(yield* isAlive(launched))
  const age = (yield* Clock.currentTimeMillis) - readCreatedAt(runId)
  return age > Duration.toMillis(launchPatience)
})

/** Ends the recorded process groups whose leaders are the very processes that were recorded. */
const endGroups = Effect.fnUntraced(function* (paths: RunPaths, grace: Duration.Duration) {
  const fs = yield* FileSystem.FileSystem
  const folder = `${paths.runDir}/spawns`
  const names = yield* Effect.orElseSucceed(fs.readDirectory(folder), () => [])
  const end = Effect.fnUntraced(function* (name: string) {
    const text = yield* Effect.orElseSucceed(fs.readFileString(`${folder}/${name}`), () => "")
    const file = Option.getOrUndefined(decodeSpawnFile(text))
    if (file?.process === undefined || file.outcome !== undefined) return
    if (yield* isAlive(file.process)) yield* endGroup(file.process.pid, grace)
  })
  yield* Effect.forEach(names, end, { concurrency: 32, discard: true })
})

/**
 * Takes the run over from a worker that is gone, and settles it. Not interruptible: who owns a run and lives must bring
 * it to its end, since the others wait for that.
 */
export const takeOver = Effect.fn("Run.takeOver")(function* (runId: RunId, settlement: Settlement) {
  const { pid } = yield* Settings
  const store = yield* RunStore
  const paths = store.paths(runId)
  const plan = yield* store.plan(runId)
  yield* takeOwnership(runId, paths.runDir, pid)
  yield* Effect.all(
    [
      endGroups(paths, lostGrace),
      endMarkedProcesses(runId, pid, lostGrace),
      removeContainer({ executor: plan.executor, runId }),
    ],
    { concurrency: "unbounded", discard: true },
  )
  // Another command may have settled it, and have gone, since this one looked.
  const record = yield* store.snapshot(runId)
  return record !== undefined && isTerminalStatus(record.status) ? record : yield* settleRun(plan, settlement)
}, Effect.uninterruptible)

/** Brings the run to its end if its worker is gone. Nothing happens when another command does so already. */
export const settleIfLost = Effect.fn("Run.settleIfLost")(function* (runId: RunId) {
  const store = yield* RunStore
  if (!(yield* isAbandoned(runId, store.paths(runId)))) return
  // It may have ended by itself before its worker left.
  const record = yield* store.snapshot(runId)
  if (record !== undefined && isTerminalStatus(record.status)) return
  yield* Effect.catchTag(takeOver(runId, lost), "OwnerExists", () => Effect.void)
})

/** The record of the run, after it has been brought to its end if its worker is gone. */
export const currentRecord = Effect.fn("Run.current")(function* (runId: RunId) {
  const store = yield* RunStore
  const record = yield* store.snapshot(runId)
  if (record !== undefined && isTerminalStatus(record.status)) return record
  yield* settleIfLost(runId)
  return yield* store.record(runId)
})
