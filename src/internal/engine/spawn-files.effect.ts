/**
 * `spawns/<spawnId>.json`: which process serves a spawn, so that it can be ended when its worker is gone, and what
 * became of it. The event log is the truth; a failure to write here is told in the worker's log and harms nothing.
 */
import { DateTime, Effect, FileSystem, Schema } from "effect"
import type { SpawnId } from "../../domain/ids.schema.ts"
import type { RunPaths } from "../../domain/run.schema.ts"
import type { SpawnTerminal } from "../../domain/spawn-verdict.schema.ts"
import { SpawnOptions } from "../../domain/spawn.schema.ts"
import type { PlatformError } from "effect/PlatformError"
import { identify, ProcessIdentity } from "../process/process-identity.effect.ts"
import { fileMode } from "../store/files.effect.ts"
import { spawnFile } from "../store/run-paths.effect.ts"

/** The contents of a spawn's file. The process leads a process group of the same number. */
export const SpawnFile = Schema.Struct({
  spawnId: Schema.String,
  input: SpawnOptions,
  process: Schema.optionalKey(ProcessIdentity),
  startedAt: Schema.String,
  /** The terminal event's type and payload. */
  outcome: Schema.optionalKey(Schema.Unknown),
})
export type SpawnFile = typeof SpawnFile.Type

/** The files of one run's spawns. */
export const makeSpawnFiles = Effect.fnUntraced(function* (paths: RunPaths) {
  const context = yield* Effect.context<Effect.Services<ReturnType<typeof identify>>>()
  const fs = yield* FileSystem.FileSystem
  const open = new Map<SpawnId, SpawnFile>()

  const create = (path: string, contents: SpawnFile) =>
    fs.writeFileString(path, `${JSON.stringify(contents)}\n`, { mode: fileMode })
  const told = (path: string) =>
    Effect.catch((error: PlatformError) => Effect.logWarning(`cannot write ${path}: ${error.message}`))
  return {
    started: Effect.fnUntraced(function* (spawnId: SpawnId, input: SpawnOptions, pid: number) {
      const process = yield* Effect.provideContext(identify(pid), context)
      const startedAt = DateTime.formatIso(yield* DateTime.now)
      const contents = { spawnId, input, startedAt, ...(process === undefined ? {} : { process }) }
      open.set(spawnId, contents)
      const path = spawnFile(paths, spawnId)
      // In one write, and nobody reads it while this process lives.
      yield* create(path, contents).pipe(told(path))
    }),
    ended: Effect.fnUntraced(function* (spawnId: SpawnId, input: SpawnOptions, outcome: SpawnTerminal) {
      const startedAt = DateTime.formatIso(yield* DateTime.now)
      const contents = open.get(spawnId) ?? { spawnId, input, startedAt }
      open.delete(spawnId)
      const path = spawnFile(paths, spawnId)
      yield* create(`${path}.tmp`, { ...contents, outcome }).pipe(
        Effect.andThen(fs.rename(`${path}.tmp`, path)),
        told(path),
      )
    }),
  }
})
