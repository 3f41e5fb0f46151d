/**
 * Finds the configuration: `mill.config.ts` in the working directory or a parent, up to the repository's root; otherwise
 * `config.ts` in `$MILL_HOME`.
 */
import { Effect, FileSystem, Path } from "effect"
import { pathExists } from "../files/files.effect.ts"
import { Settings } from "./settings.effect.ts"

/** The file name of a project's configuration. */
export const configName = "mill.config.ts"

/** The file name of the user's configuration in `$MILL_HOME`. */
export const globalConfigName = "config.ts"

/** Entries that mark a repository's root. */
const rootMarks = [".git", ".jj"]

/** The absolute path of the configuration that applies to the working directory, if there is one. */
export const findConfig = Effect.fn("Config.find")(function* () {
  const { cwd, millHome, userHome } = yield* Settings
  const fs = yield* FileSystem.FileSystem
  const { dirname, join } = yield* Path.Path
  // A dangling link counts: loading it is an error.
  const isPresent = (path: string) =>
    Effect.flatMap(pathExists(path), (found) =>
      found ? Effect.succeed(true) : Effect.isSuccess(fs.readLink(path)),
    )
  const home =
    userHome === undefined ? undefined : yield* Effect.orElseSucceed(fs.realPath(userHome), () => userHome)
  let folder = cwd
  while (true) {
    const path = join(folder, configName)
    if (yield* isPresent(path)) return path
    const marks = yield* Effect.filter(rootMarks, (mark) => pathExists(join(folder, mark)))
    const above = dirname(folder)
    // The home folder itself is not a project.
    if (marks.length > 0 || above === folder || folder === home || above === home) break
    folder = above
  }
  if (millHome === undefined) return undefined
  const path = join(millHome, globalConfigName)
  return (yield* isPresent(path)) ? path : undefined
})
