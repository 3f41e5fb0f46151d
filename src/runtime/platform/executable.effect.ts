/**
 * The scripts inside the executable: unpacks them into a folder named after their contents, and replaces this process by
 * the executable as Bun, running them.
 */
import { Effect, FileSystem } from "effect"
import type { StoreError } from "../../domain/error.schema.ts"
import { Settings } from "../../internal/config/settings.effect.ts"
import { directoryMode, fileMode, toStoreError } from "../../internal/files/files.effect.ts"
import { artefact, type Executable } from "./artefact.ts"
import { hostScripts, runUnpackedMill, unpackFolder } from "./commands.ts"
import { readEnvironment } from "./environment.effect.ts"

/**
 * Unpacks the files with these names. Files that exist are compared with the executable's: a damaged or changed file is
 * replaced. Each file appears whole.
 */
const unpack = Effect.fnUntraced(function* (executable: Executable, names: ReadonlyArray<string>) {
  const { cacheDir, pid } = yield* Settings
  const fs = yield* FileSystem.FileSystem
  const folder = unpackFolder(cacheDir, executable)
  const unpackFile = Effect.fnUntraced(function* ([name, source]: readonly [string, string]) {
    const contents = yield* fs.readFile(source)
    const file = `${folder}/${name}`
    const present = yield* Effect.option(fs.readFile(file))
    if (present._tag === "Some" && Buffer.compare(present.value, contents) === 0) return
    const temporary = `${file}.${pid}.tmp`
    yield* fs.remove(temporary, { force: true })
    yield* fs.writeFile(temporary, contents, { flag: "wx", mode: fileMode })
    yield* fs.rename(temporary, file)
  })
  const files = Object.entries(executable.files).filter(([name]) => names.includes(name))
  yield* fs
    .makeDirectory(folder, { recursive: true, mode: directoryMode })
    .pipe(
      Effect.andThen(Effect.forEach(files, unpackFile, { discard: true })),
      Effect.mapError(toStoreError(folder, "unpack mill's scripts into")),
    )
  return folder
})

type Unpack = Effect.Effect<void, StoreError, FileSystem.FileSystem | Settings>

/** In the executable, unpacks the scripts that the commands of `Settings` name. mill's own script is left out. */
export const unpackScripts: Unpack = Effect.suspend(() =>
  artefact.form === "executable" ? unpack(artefact, hostScripts) : Effect.void,
)

/**
 * In the executable, which cannot evaluate user code, replaces this process by one that can, with the same command line.
 * In other forms does nothing. The new process starts over, so call this before anything that has an effect.
 */
export const becomeBun: Unpack = Effect.suspend(() =>
  artefact.form === "executable" ? replaceProcess(artefact) : Effect.void,
)

const replaceProcess = Effect.fnUntraced(function* (executable: Executable) {
  const { args, command, env } = runUnpackedMill(yield* unpack(executable, Object.keys(executable.files)))
  yield* Effect.sync(() =>
    process.execve?.(command, [command, ...args, ...process.argv.slice(2)], { ...readEnvironment(), ...env }),
  )
  return yield* Effect.die("this version of Bun cannot replace one process with another")
})
