/**
 * Who owns a run. Each owner in turn has a file `owner.<n>` in the run directory, with its process's identity; the one
 * with the highest number counts, for as long as that process lives. A file appears with its contents in one step and
 * only if there is none of its number, so that of several who would take over from a dead owner one succeeds. No file
 * is ever removed: a lock that is removed when it looks stale can be another's fresh one.
 */
import { Effect, FileSystem, Random, Schema } from "effect"
import { OwnerExists } from "../../domain/error.schema.ts"
import type { RunId } from "../../domain/ids.schema.ts"
import { ProcessIdentity } from "../process/process-identity.schema.ts"
import { Processes } from "../process/processes.effect.ts"
import { fileMode, storeError } from "../files/files.effect.ts"

const OwnerJson = Schema.fromJsonString(ProcessIdentity)
const decodeOwner = Schema.decodeUnknownEffect(OwnerJson)
const encodeOwner = Schema.encodeEffect(OwnerJson)

const generationOf = (name: string): number => Number(/^owner\.(\d+)$/.exec(name)?.[1] ?? 0)

/** The last owner of the run in `runDir` and the number of its file; nothing when there was none. */
export const lastOwner = Effect.fnUntraced(function* (runDir: string) {
  const fs = yield* FileSystem.FileSystem
  const names = yield* fs.readDirectory(runDir).pipe(Effect.mapError(storeError(runDir, "read")))
  const generation = Math.max(0, ...names.map(generationOf))
  if (generation === 0) return undefined
  const file = `${runDir}/owner.${generation}`
  const text = yield* fs.readFileString(file).pipe(Effect.mapError(storeError(file, "read")))
  const identity = yield* decodeOwner(text).pipe(Effect.orElseSucceed(() => ({ pid: 0, startTime: "" })))
  return { generation, identity }
})

/** Makes the process `pid` the owner of the run, or fails when another that lives is. */
export const takeOwnership = Effect.fnUntraced(function* (runId: RunId, runDir: string, pid: number) {
  const fs = yield* FileSystem.FileSystem
  const { identify, isAlive } = yield* Processes
  const identity = (yield* identify(pid)) ?? { pid, startTime: "unknown" }
  const text = yield* Effect.orDie(encodeOwner(identity))
  const temporary = `${runDir}/owner.${pid}.${yield* Random.nextIntBetween(0, 2 ** 40)}.tmp`
  yield* fs
    .writeFileString(temporary, text, { flag: "wx", mode: fileMode })
    .pipe(Effect.mapError(storeError(temporary, "write")))

  const attempt = Effect.gen(function* () {
    const last = yield* lastOwner(runDir)
    if (last !== undefined && (yield* isAlive(last.identity))) {
      return yield* new OwnerExists({ run: runId, pid: last.identity.pid })
    }
    const file = `${runDir}/owner.${(last?.generation ?? 0) + 1}`
    return yield* fs.link(temporary, file).pipe(
      Effect.as(true),
      // Another was quicker: it may be alive, or it may have died since.
      Effect.catchReason("PlatformError", "AlreadyExists", () => Effect.succeed(false)),
      Effect.catchTag("PlatformError", (error) => Effect.fail(storeError(file, "write")(error))),
    )
  })
  yield* Effect.repeat(attempt, { until: (taken) => taken }).pipe(
    Effect.ensuring(Effect.ignore(fs.remove(temporary, { force: true }))),
  )
  return identity
})
