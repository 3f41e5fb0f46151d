/** The snapshots of a run that has ended: `result.json` first, `run.json` last, so that a reader who sees the end can read the result. */
import { Effect, FileSystem } from "effect"
import type { RunId } from "../../domain/ids.schema.ts"
import { type RunState, textLimit } from "../../domain/run-state.schema.ts"
import { listSpawns, makeRunResult, type RunFacts } from "../../domain/run-summary.ts"
import { isTerminalStatus } from "../../domain/run.schema.ts"
import { Settings } from "../config/settings.effect.ts"
import { controlSocket, hostSocket } from "../sockets/socket-paths.ts"
import { readFullTexts } from "../store/full-texts.effect.ts"
import { RunStore } from "../store/run-store.effect.ts"

/** Removes the sockets of an ended run. Nothing cleans them up once its snapshot says that it has ended. */
const removeSockets = Effect.fnUntraced(function* (runId: RunId) {
  const { socketDir } = yield* Settings
  const fs = yield* FileSystem.FileSystem
  for (const path of [controlSocket(socketDir, runId), hostSocket(socketDir, runId)]) {
    yield* Effect.ignore(fs.remove(path, { force: true }))
  }
})

export const writeSnapshots = Effect.fn("Run.writeSnapshots")(function* (facts: RunFacts, state: RunState) {
  const store = yield* RunStore
  const { id: runId } = facts
  yield* removeSockets(runId)
  if (isTerminalStatus(state.status) && state.completedAt !== undefined) {
    const isCut = listSpawns(state).some((spawn) => (spawn.result?.text.length ?? 0) >= textLimit - 1)
    const texts = isCut ? yield* readFullTexts(store.paths(runId).eventsFile) : undefined
    yield* store.writeResult(makeRunResult(runId, state, state.status, state.completedAt, texts))
  }
  return yield* store.writeRecord(facts, state)
})
