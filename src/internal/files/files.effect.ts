/**
 * Writes files whole or not at all: each is written to a temporary file alongside, synced and moved into place. Only the
 * owner can access directories (0700) and files (0600).
 */
import { Effect, FileSystem, Path, Random } from "effect"
import type { PlatformError } from "effect/PlatformError"
import { StoreError, readSystemCode } from "../../domain/error.schema.ts"

export const directoryMode = 0o700
export const fileMode = 0o600

const encoder = new TextEncoder()

/** Turns a platform error into a store error of one line. */
export const toStoreError = (path: string, doing: string) => (error: PlatformError) =>
  new StoreError({ path, message: `cannot ${doing} ${path}: ${describeReason(error)}` })

/** Explains a platform error in plain words, without the arguments of the call. */
export const describeReason = (error: PlatformError): string => {
  const { reason } = error
  const code = readSystemCode(reason.cause)
  switch (reason._tag) {
    case "NotFound":
      return "no such file or directory"
    case "PermissionDenied":
      return "permission denied"
    default:
      return (code && (wording[code] ?? code)) ?? reason._tag
  }
}

const wording: Readonly<Record<string, string>> = {
  ENOSPC: "no space left on device",
  EDQUOT: "disk quota exceeded",
  EROFS: "read-only file system",
  EACCES: "permission denied",
  ENOTDIR: "a component of the path is not a directory",
  EISDIR: "it is a directory",
  EMFILE: "too many open files",
  ENOEXEC: "not an executable file; a script must begin with a line such as #!/bin/sh",
  E2BIG: "the arguments and environment are larger than the system allows",
}

/** Whether a file or directory exists. One that cannot be looked at counts as missing. */
export const pathExists = (path: string) =>
  Effect.flatMap(FileSystem.FileSystem, (fs) => Effect.orElseSucceed(fs.exists(path), () => false))

/** Writes a file in one step: readers see the old contents or the new. */
export const writeAtomically = Effect.fnUntraced(function* (path: string, contents: string) {
  const fs = yield* FileSystem.FileSystem
  const temporary = `${path}.${yield* nextSuffix}.tmp`
  yield* Effect.scoped(
    Effect.gen(function* () {
      const file = yield* fs.open(temporary, { flag: "wx", mode: fileMode })
      yield* file.writeAll(encoder.encode(contents))
      yield* file.sync
    }),
  ).pipe(
    Effect.andThen(fs.rename(temporary, path)),
    Effect.onError(() => Effect.ignore(fs.remove(temporary, { force: true }))),
    Effect.mapError(toStoreError(path, "write")),
  )
})

/** Writes a new file in one step, with its directory. Returns false, and changes nothing, when the file exists. */
export const writeNew = Effect.fnUntraced(
  function* (path: string, contents: string) {
    const fs = yield* FileSystem.FileSystem
    const { dirname } = yield* Path.Path
    const temporary = `${path}.${yield* nextSuffix}.tmp`
    yield* fs.makeDirectory(dirname(path), { recursive: true })
    return yield* fs.writeFileString(temporary, contents).pipe(
      // Unlike a move, a link does not replace an existing file.
      Effect.andThen(fs.link(temporary, path)),
      Effect.as(true),
      Effect.catchReason("PlatformError", "AlreadyExists", () => Effect.succeed(false)),
      Effect.ensuring(Effect.ignore(fs.remove(temporary, { force: true }))),
    )
  },
  (effect, path) => Effect.mapError(effect, toStoreError(path, "write")),
)

const nextSuffix = Effect.map(Random.nextIntBetween(0, 2 ** 40), (n) => n.toString(36))

/** Syncs a directory, so that its entries survive a power failure. */
export const syncDirectory = Effect.fnUntraced(
  function* (path: string) {
    const fs = yield* FileSystem.FileSystem
    const directory = yield* fs.open(path, { flag: "r" })
    yield* directory.sync
  },
  Effect.scoped,
  (effect, path) => Effect.mapError(effect, toStoreError(path, "sync")),
)
