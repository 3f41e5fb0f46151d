/**
 * The ownership of a run. Each owner in turn has a file `owner.<n>` in the run directory with the identity of its
 * process; the one with the highest number owns the run for as long as that process lives. A file is linked into place
 * whole, and only if its number is free, so one of several processes that follow a dead owner succeeds. Files are never
 * removed: a lock that looks stale may by then be the fresh lock of another process.
 */
import { Effect, FileSystem, Random, Schema } from "effect"
import { OwnerExists } from "../../domain/error.schema.ts"
import type { RunId } from "../../domain/ids.schema.ts"
import { maxIdentityBytes, ProcessIdentity } from "../process/process-identity.schema.ts"
import { Processes } from "../process/processes.effect.ts"
import { fileMode, toStoreError } from "../files/files.effect.ts"
import { readRegular } from "../files/regular-files.effect.ts"

const OwnerJson = Schema.fromJsonString(ProcessIdentity)
const decodeOwner = Schema.decodeUnknownEffect(OwnerJson)
const encodeOwner = Schema.encodeEffect(OwnerJson)

const parseGeneration = (name: string): number => Number(/^owner\.(\d+)$/.exec(name)?.[1] ?? 0)

/** Reads the last owner of the run in `runDir` and the number of its file, if there was an owner. */
export const readLastOwner = Effect.fnUntraced(function* (runDir: string) {
  const fs = yield* FileSystem.FileSystem
  const names = yield* fs.readDirectory(runDir).pipe(Effect.mapError(toStoreError(runDir, "read")))
  const generation = Math.max(0, ...names.map(parseGeneration))
  if (generation === 0) return undefined
  const file = `${runDir}/owner.${generation}`
  // An owner that cannot be read is not known to be alive; a live one answers on its socket.
  const identity = yield* readRegular(file, maxIdentityBytes).pipe(
    Effect.flatMap(decodeOwner),
    Effect.orElseSucceed(() => ({ pid: 0, startTime: "" })),
  )
  return { generation, identity }
})

/** Releases the ownership of the process `pid`, which is alive. Until then, no other process can own the run. */
export const releaseOwnership = Effect.fnUntraced(
  function* (runDir: string, pid: number) {
    const fs = yield* FileSystem.FileSystem
    const last = yield* readLastOwner(runDir)
    if (last?.identity.pid === pid) yield* fs.remove(`${runDir}/owner.${last.generation}`)
  },
  (effect) => Effect.ignore(effect),
)

/** Makes the process `pid` the owner of the run. Fails when a live process owns it. */
export const takeOwnership = Effect.fnUntraced(function* (runId: RunId, runDir: string, pid: number) {
  const fs = yield* FileSystem.FileSystem
  const { identify, isAlive } = yield* Processes
  const identity = (yield* identify(pid)) ?? { pid, startTime: "unknown" }
  const text = yield* Effect.orDie(encodeOwner(identity))
  const temporary = `${runDir}/owner.${pid}.${yield* Random.nextIntBetween(0, 2 ** 40)}.tmp`
  yield* fs
    .writeFileString(temporary, text, { flag: "wx", mode: fileMode })
    .pipe(Effect.mapError(toStoreError(temporary, "write")))

  const attempt = Effect.gen(function* () {
    const last = yield* readLastOwner(runDir)
    if (last !== undefined && (yield* isAlive(last.identity))) {
      return yield* new OwnerExists({ run: runId, pid: last.identity.pid })
    }
    const file = `${runDir}/owner.${(last?.generation ?? 0) + 1}`
    return yield* fs.link(temporary, file).pipe(
      Effect.as(true),
      // Another process was quicker; it may have died since, so try again.
      Effect.catchReason("PlatformError", "AlreadyExists", () => Effect.succeed(false)),
      Effect.catchTag("PlatformError", (error) => Effect.fail(toStoreError(file, "write")(error))),
    )
  })
  yield* Effect.repeat(attempt, { until: (taken) => taken }).pipe(
    Effect.ensuring(Effect.ignore(fs.remove(temporary, { force: true }))),
  )
  return identity
})
