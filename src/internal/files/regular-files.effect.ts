/**
 * Reads files that may have been replaced by something else. Opening a named pipe waits for a writer, opening a device may
 * have side effects, and reading one may never end. A file is therefore opened only if it is a regular file, and read whole
 * only if it is not too large.
 */
import { Effect, FileSystem } from "effect"
import { StoreError } from "../../domain/error.schema.ts"
import { toStoreError } from "./files.effect.ts"

/** The largest file that is read whole: an answer and a program's result are at most 64 MiB each. */
const maxWholeBytes = 256 * 1024 * 1024

const typeNames: Readonly<Record<Exclude<FileSystem.File.Type, "File">, string>> = {
  BlockDevice: "a device",
  CharacterDevice: "a device",
  Directory: "a directory",
  FIFO: "a named pipe",
  Socket: "a socket",
  SymbolicLink: "a symbolic link",
  Unknown: "not a file",
}

/** Fails if `path`, or the target of the link, is not a regular file. Returns its size in bytes, or undefined if it is missing. */
export const checkRegular = Effect.fnUntraced(function* (path: string) {
  const fs = yield* FileSystem.FileSystem
  const info = yield* fs.stat(path).pipe(
    Effect.catchReason("PlatformError", "NotFound", () => Effect.undefined),
    Effect.catchTag("PlatformError", (error) => Effect.fail(toStoreError(path, "read")(error))),
  )
  if (info === undefined) return undefined
  if (info.type !== "File") {
    const message = `cannot read ${path}: it is ${typeNames[info.type]}, not a regular file`
    return yield* new StoreError({ path, message })
  }
  return Number(info.size)
})

/** Reads a regular file whole, as text; `undefined` when it is missing. */
export const readRegular = Effect.fnUntraced(function* (path: string, maxBytes = maxWholeBytes) {
  const fs = yield* FileSystem.FileSystem
  const size = yield* checkRegular(path)
  if (size === undefined) return undefined
  if (size > maxBytes) {
    const message = `cannot read ${path}: the file is too large (${size} bytes)`
    return yield* new StoreError({ path, message })
  }
  return yield* Effect.mapError(fs.readFileString(path), toStoreError(path, "read"))
})

/** Opens a regular file for reading until the scope closes; `undefined` when it is missing. */
export const openRegular = Effect.fnUntraced(function* (path: string) {
  const fs = yield* FileSystem.FileSystem
  if ((yield* checkRegular(path)) === undefined) return undefined
  return yield* Effect.mapError(fs.open(path, { flag: "r" }), toStoreError(path, "read"))
})
