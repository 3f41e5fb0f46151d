/**
 * What the executable does with the scripts that it carries: it unpacks them into a folder named after their contents,
 * and turns itself into the Bun that runs them.
 */
import { Effect, FileSystem } from "effect"
import type { StoreError } from "../../domain/error.schema.ts"
import { Settings } from "../../internal/config/settings.effect.ts"
import { directoryMode, fileMode, storeError } from "../../internal/files/files.effect.ts"
import { artefact } from "./artefact.ts"
import { scriptFolder, unpackedMill } from "./commands.ts"

const unpackAll = (files: ReadonlyArray<readonly [name: string, source: string]>) =>
  Effect.gen(function* () {
    const { cacheDir, pid } = yield* Settings
    const fs = yield* FileSystem.FileSystem
    const folder = scriptFolder(cacheDir)
    const unpack = Effect.fnUntraced(function* (name: string, source: string) {
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
        Effect.andThen(Effect.forEach(files, ([name, source]) => unpack(name, source), { discard: true })),
        Effect.mapError(storeError(folder, "unpack mill's scripts into")),
      )
  })

/** What an executable that passes for Bun runs without being mill. */
const hostScripts = ["program-host.js", "plain-environment.js"]

/**
 * Has the scripts lie where the commands of `Settings` say, but for mill's own. What is there already is compared, all of
 * it, with what the executable carries: a file that is damaged or was changed is replaced, and nobody ever sees half a
 * file.
 */
export const unpackScripts: Effect.Effect<void, StoreError, FileSystem.FileSystem | Settings> =
  Effect.suspend(() =>
    artefact.form === "executable"
      ? unpackAll(Object.entries(artefact.files).filter(([name]) => hostScripts.includes(name)))
      : Effect.void,
  )

/**
 * In the executable, where a user's code cannot be evaluated: this process becomes one where it can, with the same
 * command line. Elsewhere nothing happens. What has been done so far is forgotten, so it must come before anything is
 * done that shows.
 */
export const becomeBun: Effect.Effect<void, StoreError, FileSystem.FileSystem | Settings> = Effect.gen(
  function* () {
    if (artefact.form !== "executable") return
    const { cacheDir } = yield* Settings
    yield* unpackAll(Object.entries(artefact.files))
    const { args, command, env } = unpackedMill(scriptFolder(cacheDir))
    yield* Effect.sync(() =>
      process.execve?.(command, [command, ...args, ...process.argv.slice(2)], { ...process.env, ...env }),
    )
    return yield* Effect.die("this Bun cannot replace a process by another one")
  },
)
