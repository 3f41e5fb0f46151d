/**
 * Prepares the directory of sockets, to which no other user may have access. It may be in /tmp, where another user can
 * create a directory with its name first and then read or replace its contents.
 */
import { Effect, FileSystem, Option } from "effect"
import { StoreError } from "../../domain/error.schema.ts"
import { Settings } from "../config/settings.effect.ts"
import { directoryMode, toStoreError } from "../files/files.effect.ts"

/** Creates the directory of sockets if necessary, and removes a socket that a dead process left at `path`. */
export const clearSocketPlace = Effect.fnUntraced(function* (path: string) {
  const { socketDir, userId } = yield* Settings
  const fs = yield* FileSystem.FileSystem
  const info = yield* fs
    .makeDirectory(socketDir, { recursive: true, mode: directoryMode })
    .pipe(Effect.andThen(fs.stat(socketDir)), Effect.mapError(toStoreError(socketDir, "create")))
  const owner = Option.getOrUndefined(info.uid)
  if (owner !== userId || (info.mode & 0o077) !== 0) {
    return yield* new StoreError({
      path: socketDir,
      message: `other users have access to ${socketDir}`,
      hint: "remove the directory, or set XDG_RUNTIME_DIR to a directory that only you can access",
    })
  }
  yield* Effect.ignore(fs.remove(path, { force: true }))
})
