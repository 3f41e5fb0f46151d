/** The scripts inside the executable: unpacks them into a folder named after their contents. */
import { Effect, FileSystem } from "effect"
import { Settings } from "../../internal/config/settings.effect.ts"
import { directoryMode, fileMode, toStoreError } from "../../internal/files/files.effect.ts"
import { artefact, type Executable } from "./artefact.ts"
import { unpackFolder } from "./commands.ts"

/**
 * Unpacks the scripts. Files that exist are compared with the executable's: a damaged or changed file is replaced. Each
 * file appears whole.
 */
const unpack = Effect.fnUntraced(function* (executable: Executable) {
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
  yield* fs
    .makeDirectory(folder, { recursive: true, mode: directoryMode })
    .pipe(
      Effect.andThen(Effect.forEach(Object.entries(executable.files), unpackFile, { discard: true })),
      Effect.mapError(toStoreError(folder, "unpack mill's scripts into")),
    )
})

/** In the executable, unpacks the scripts that the commands of `Settings` name. In other forms does nothing. */
export const unpackScripts = Effect.suspend(() =>
  artefact.form === "executable" ? unpack(artefact) : Effect.void,
)
