/**
 * Tells the truth about runs whose worker is gone: ends what is left of their processes, and brings them to their
 * end. Any command that meets such a run does it; the one that becomes the run's owner, while the others wait for what
 * it writes. An owner that dies in the middle is followed by the next.
 */
import { Clock, Duration, Effect, FileSystem, Option, Schema } from "effect"
import { createdAtOf, type RunId } from "../../domain/ids.schema.ts"
import type { RunPaths } from "../../domain/run.schema.ts"
import { isTerminalStatus } from "../../domain/run.schema.ts"
import { Settings } from "../config/settings.effect.ts"
import { controlSocket } from "../control/control-protocol.effect.ts"
import { endMarkedProcesses, signal } from "../process/process-tree.effect.ts"
import { isAlive, ProcessIdentity } from "../process/process-identity.effect.ts"
import { lastOwner, takeOwnership } from "../store/owner-lock.effect.ts"
import { RunStore } from "../store/run-store.effect.ts"
import { launchFile } from "./launch.effect.ts"
import { type Settlement, settleRun } from "./settle.effect.ts"
import { SpawnFile } from "./spawn-files.effect.ts"

/** How long a submitter may take from making a run's folder to starting its worker. */
const launchPatience = Duration.seconds(10)

const decodeIdentity = Schema.decodeUnknownOption(Schema.fromJsonString(ProcessIdentity))
const decodeSpawnFile = Schema.decodeUnknownOption(Schema.fromJsonString(SpawnFile))

const lost: Settlement = {
  type: "run:failed",
  payload: { message: "the run's worker is gone", cause: "worker-lost" },
}

/** Whether nobody works on the run, or ever will. */
const isAbandoned = Effect.fnUntraced(function* (runId: RunId, paths: RunPaths) {
  const fs = yield* FileSystem.FileSystem
  const owner = yield* lastOwner(paths.runDir)
  if (owner !== undefined) return !(yield* isAlive(owner.identity))
  const launched = decodeIdentity(yield* Effect.orElseSucceed(fs.readFileString(launchFile(paths)), () => ""))
  if (Option.isSome(launched)) return !(yield* isAlive(launched.value))
  const age = (yield* Clock.currentTimeMillis) - createdAtOf(runId)
  return age > Duration.toMillis(launchPatience)
})

/** Ends the recorded process groups whose leaders are the very processes that were recorded. */
const endGroups = Effect.fnUntraced(function* (paths: RunPaths) {
  const fs = yield* FileSystem.FileSystem
  const folder = `${paths.runDir}/spawns`
  const names = yield* Effect.orElseSucceed(fs.readDirectory(folder), () => [])
  for (const name of names) {
    const text = yield* Effect.orElseSucceed(fs.readFileString(`${folder}/${name}`), () => "")
    const file = Option.getOrUndefined(decodeSpawnFile(text))
    if (file?.process === undefined || file.outcome !== undefined) continue
    if (yield* isAlive(file.process)) yield* signal(-file.process.pid, "SIGTERM")
  }
})

/** Takes the run over from a worker that is gone, and settles it. */
export const takeOver = Effect.fn("Run.takeOver")(function* (runId: RunId, settlement: Settlement) {
  const { pid, socketDir } = yield* Settings
  const fs = yield* FileSystem.FileSystem
  const store = yield* RunStore
  const paths = store.paths(runId)
  yield* takeOwnership(runId, paths.runDir, pid)
  const plan = yield* store.plan(runId)
  yield* endGroups(paths)
  yield* endMarkedProcesses(runId, pid, Duration.seconds(plan.limits.cancelGrace))
  for (const path of [controlSocket(socketDir, runId), `${socketDir}/${runId}.host`]) {
    yield* Effect.ignore(fs.remove(path, { force: true }))
  }
  return yield* settleRun(plan, settlement)
})

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
