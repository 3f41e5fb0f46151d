/**
 * `spawns/<spawnId>.json`: the process that serves a spawn, so that it can be ended when its worker has died, and the
 * spawn's outcome. The event log is the truth; a failure to write these files is logged and otherwise harmless.
 */
import { DateTime, Effect, FiberMap, FileSystem, Option, Schema } from "effect"
import type { SpawnId } from "../../domain/ids.schema.ts"
import type { RunPaths } from "../../domain/run.schema.ts"
import type { SpawnTerminal } from "../../domain/spawn-verdict.schema.ts"
import { SpawnOptions } from "../../domain/spawn.schema.ts"
import { ProcessIdentity } from "../process/process-identity.schema.ts"
import { Processes } from "../process/processes.effect.ts"
import { fileMode, writeAtomically } from "../files/files.effect.ts"
import { readRegular } from "../files/regular-files.effect.ts"
import { spawnFile } from "../store/run-paths.ts"

/** The contents of a spawn's file. The process leads the process group with its pid. */
export const SpawnFile = Schema.Struct({
  spawnId: Schema.String,
  input: SpawnOptions,
  process: Schema.optional(ProcessIdentity),
  startedAt: Schema.String,
  /** The terminal event's type and payload. */
  outcome: Schema.optional(Schema.Unknown),
})
export type SpawnFile = typeof SpawnFile.Type

const decodeSpawnFile = Schema.decodeUnknownOption(Schema.fromJsonString(SpawnFile))

/** Reads the files of a run's spawns. Skips those that cannot be read. */
export const readSpawnFiles = Effect.fnUntraced(function* (paths: RunPaths) {
  const fs = yield* FileSystem.FileSystem
  const folder = `${paths.runDir}/spawns`
  const names = yield* Effect.orElseSucceed(fs.readDirectory(folder), () => [])
  const files = yield* Effect.forEach(
    names,
    (name) => Effect.orElseSucceed(readRegular(`${folder}/${name}`), () => undefined),
    { concurrency: 32 },
  )
  return files.flatMap((text) => Option.toArray(decodeSpawnFile(text)))
})

/** Adds the outcome to the file of a spawn that its worker has not ended, if there is such a file. */
export const recordLostEnd = Effect.fnUntraced(
  function* (paths: RunPaths, outcome: SpawnTerminal) {
    const path = spawnFile(paths, outcome.payload.spawnId)
    const contents = Option.getOrUndefined(decodeSpawnFile(yield* readRegular(path)))
    if (contents === undefined || contents.outcome !== undefined) return
    yield* writeAtomically(path, `${JSON.stringify({ ...contents, outcome })}\n`)
  },
  Effect.catchTag("StoreError", (error) => Effect.logWarning(error.message)),
)

/**
 * How long an agent runs before its file is written. The file of a shorter one is written once, at its end. If the worker
 * dies before that, the agent is found by the mark in its environment.
 */
const writeDelay = "10 millis"

/** The files of one run's spawns, written in the background: spawns do not wait for them. */
export const makeSpawnFiles = Effect.fnUntraced(function* (paths: RunPaths) {
  const processes = yield* Processes
  const fs = yield* FileSystem.FileSystem
  const recording = yield* FiberMap.make<SpawnId>()
  /** The contents for running spawns, and whether they have been written. */
  const running = new Map<SpawnId, { readonly contents: SpawnFile; written: boolean }>()

  const write = (spawnId: SpawnId, contents: SpawnFile, flag: "r+" | "w") => {
    const path = spawnFile(paths, spawnId)
    return fs
      .writeFileString(path, `${JSON.stringify(contents)}\n`, { flag, mode: fileMode })
      .pipe(Effect.catch((error) => Effect.logWarning(`cannot write ${path}: ${error.message}`)))
  }
  const recordProcess = Effect.fnUntraced(function* (spawnId: SpawnId, input: SpawnOptions, pid: number) {
    const startedAt = DateTime.formatIso(yield* DateTime.now)
    const process = yield* processes.identify(pid)
    const contents = { spawnId, input, process, startedAt }
    const entry = { contents, written: false }
    running.set(spawnId, entry)
    yield* Effect.sleep(writeDelay)
    yield* Effect.uninterruptible(write(spawnId, contents, "w"))
    entry.written = true
  })
  return {
    recordStart: (spawnId: SpawnId, input: SpawnOptions, pid: number) =>
      Effect.asVoid(
        FiberMap.run(recording, spawnId, recordProcess(spawnId, input, pid), { startImmediately: true }),
      ),
    recordEnd: Effect.fnUntraced(function* (spawnId: SpawnId, input: SpawnOptions, outcome: SpawnTerminal) {
      yield* FiberMap.remove(recording, spawnId)
      const entry = running.get(spawnId)
      running.delete(spawnId)
      const contents = entry?.contents ?? {
        spawnId,
        input,
        startedAt: DateTime.formatIso(yield* DateTime.now),
      }
      // The new contents begin like the old, so the file is whole before and after it is overwritten.
      yield* write(spawnId, { ...contents, outcome }, entry?.written === true ? "r+" : "w")
    }),
  }
})
