/**
 * `spawns/<spawnId>.json`: which process serves a spawn, so that it can be ended when its worker is gone, and what
 * became of it. The event log is the truth; a failure to write here is told in the worker's log and harms nothing.
 */
import { DateTime, Effect, FiberMap, FileSystem, Schema } from "effect"
import type { SpawnId } from "../../domain/ids.schema.ts"
import type { RunPaths } from "../../domain/run.schema.ts"
import type { SpawnTerminal } from "../../domain/spawn-verdict.schema.ts"
import { SpawnOptions } from "../../domain/spawn.schema.ts"
import { identify, ProcessIdentity } from "../process/process-identity.effect.ts"
import { fileMode } from "../files/files.effect.ts"
import { spawnFile } from "../store/run-paths.ts"

/** The contents of a spawn's file. The process leads a process group of the same number. */
export const SpawnFile = Schema.Struct({
  spawnId: Schema.String,
  input: SpawnOptions,
  process: Schema.optional(ProcessIdentity),
  startedAt: Schema.String,
  /** The terminal event's type and payload. */
  outcome: Schema.optional(Schema.Unknown),
})
export type SpawnFile = typeof SpawnFile.Type

/**
 * How long an agent lives before its file is written. One that is gone sooner has its file written once, at its end:
 * a worker that dies meanwhile leaves it to be found by the mark in its environment.
 */
const settling = "10 millis"

/** The files of one run's spawns. What they do goes on behind the spawns, which do not wait for it. */
export const makeSpawnFiles = Effect.fnUntraced(function* (paths: RunPaths) {
  const context = yield* Effect.context<Effect.Services<ReturnType<typeof identify>>>()
  const fs = yield* FileSystem.FileSystem
  const recording = yield* FiberMap.make<SpawnId>()
  /** What is known of spawns under way, and whether it has been written. */
  const known = new Map<SpawnId, { readonly contents: SpawnFile; written: boolean }>()

  const write = (spawnId: SpawnId, contents: SpawnFile, flag: "r+" | "w") => {
    const path = spawnFile(paths, spawnId)
    return fs
      .writeFileString(path, `${JSON.stringify(contents)}\n`, { flag, mode: fileMode })
      .pipe(Effect.catch((error) => Effect.logWarning(`cannot write ${path}: ${error.message}`)))
  }
  const record = Effect.fnUntraced(function* (spawnId: SpawnId, input: SpawnOptions, pid: number) {
    const startedAt = DateTime.formatIso(yield* DateTime.now)
    const process = yield* Effect.provideContext(identify(pid), context)
    const contents = { spawnId, input, startedAt, ...(process === undefined ? {} : { process }) }
    const entry = { contents, written: false }
    known.set(spawnId, entry)
    yield* Effect.sleep(settling)
    yield* Effect.uninterruptible(write(spawnId, contents, "w"))
    entry.written = true
  })
  return {
    started: (spawnId: SpawnId, input: SpawnOptions, pid: number) =>
      Effect.asVoid(
        FiberMap.run(recording, spawnId, record(spawnId, input, pid), { startImmediately: true }),
      ),
    ended: Effect.fnUntraced(function* (spawnId: SpawnId, input: SpawnOptions, outcome: SpawnTerminal) {
      yield* FiberMap.remove(recording, spawnId)
      const entry = known.get(spawnId)
      known.delete(spawnId)
      const contents = entry?.contents ?? {
        spawnId,
        input,
        startedAt: DateTime.formatIso(yield* DateTime.now),
      }
      // The same beginning and more: written over what is there, it is whole before and after.
      yield* write(spawnId, { ...contents, outcome }, entry?.written === true ? "r+" : "w")
    }),
  }
})
