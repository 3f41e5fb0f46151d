/**
 * Files that are whole or not there: written beside their place, synced, and moved. Directories are made for their
 * owner alone (0700), files too (0600).
 */
import { Effect, FileSystem, Path, Random } from "effect"
import type { PlatformError } from "effect/PlatformError"
import { StoreError, readSystemCode } from "../../domain/error.schema.ts"

export const directoryMode = 0o700
export const fileMode = 0o600

const encoder = new TextEncoder()

/** A platform failure as a failure of the store, in one line. */
export const storeError = (path: string, doing: string) => (error: PlatformError) =>
  new StoreError({ path, message: `cannot ${doing} ${path}: ${reasonOf(error)}` })

/** The reason of a platform failure in plain words, without the call's arguments. */
export const reasonOf = (error: PlatformError): string => {
  const { reason } = error
  const code = readSystemCode(reason.cause)
  switch (reason._tag) {
    case "NotFound":
      return "there is no such file"
    case "PermissionDenied":
      return "permission denied"
    default:
      return (code && (wording[code] ?? code)) ?? reason._tag
  }
}

const wording: Readonly<Record<string, string>> = {
  ENOSPC: "no space is left on the disk",
  EDQUOT: "the disk quota is used up",
  EROFS: "the file system is read-only",
  EACCES: "permission denied",
  ENOTDIR: "a part of the path is not a folder",
  EISDIR: "it is a folder",
  EMFILE: "too many files are open",
  ENOEXEC: "it is no program: a script begins with a line such as #!/bin/sh",
  E2BIG: "its arguments and its environment are longer than the system allows",
}

/** Writes a file in one step: readers see the old contents or the new ones. */
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
    Effect.mapError(storeError(path, "write")),
  )
})

/**
 * Writes a file that is not there yet, whole; false when there is one already, which stays as it is. Its folder is made
 * when there is none.
 */
export const writeNew = Effect.fnUntraced(
  function* (path: string, contents: string) {
    const fs = yield* FileSystem.FileSystem
    const { dirname } = yield* Path.Path
    const temporary = `${path}.${yield* nextSuffix}.tmp`
    yield* fs.makeDirectory(dirname(path), { recursive: true })
    return yield* fs.writeFileString(temporary, contents).pipe(
      // A link, unlike a move, does not replace what is there.
      Effect.andThen(fs.link(temporary, path)),
      Effect.as(true),
      Effect.catchReason("PlatformError", "AlreadyExists", () => Effect.succeed(false)),
      Effect.ensuring(Effect.ignore(fs.remove(temporary, { force: true }))),
    )
  },
  (effect, path) => Effect.mapError(effect, storeError(path, "write")),
)

const nextSuffix = Effect.map(Random.nextIntBetween(0, 2 ** 40), (n) => n.toString(36))

/** Makes the entries of a directory durable. */
export const syncDirectory = (path: string) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const directory = yield* fs.open(path, { flag: "r" })
    yield* directory.sync
  }).pipe(Effect.scoped, Effect.mapError(storeError(path, "sync")))
