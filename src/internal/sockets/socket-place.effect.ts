/**
 * Where a socket may be made: in a folder that is this user's alone. It may lie among the temporary files, where
 * anybody can make a folder of that name first and then see, or replace, what is in it.
 */
import { Effect, FileSystem, Option } from "effect"
import { StoreError } from "../../domain/error.schema.ts"
import { Settings } from "../config/settings.effect.ts"
import { directoryMode, storeError } from "../files/files.effect.ts"

/** Makes the folder of sockets if need be, and removes what a dead process left at `path` in it. */
export const clearSocketPlace = Effect.fnUntraced(function* (path: string) {
  const { socketDir, userId } = yield* Settings
  const fs = yield* FileSystem.FileSystem
  const info = yield* fs
    .makeDirectory(socketDir, { recursive: true, mode: directoryMode })
    .pipe(Effect.andThen(fs.stat(socketDir)), Effect.mapError(storeError(socketDir, "create")))
  const owner = Option.getOrUndefined(info.uid)
  if (owner !== userId || (info.mode & 0o077) !== 0) {
    return yield* new StoreError({
      path: socketDir,
      message: `${socketDir} is not this user's alone`,
      hint: `remove it, or set XDG_RUNTIME_DIR to a folder of your own`,
    })
  }
  yield* Effect.ignore(fs.remove(path, { force: true }))
})
