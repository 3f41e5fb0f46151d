/**
 * Where the configuration is: `mill.config.ts` in the working directory or above it, as far as the repository goes;
 * otherwise `config.ts` in `$MILL_HOME`.
 */
import { Effect, FileSystem, Path } from "effect"
import { Settings } from "./settings.effect.ts"

/** What a project's configuration is called. */
export const configName = "mill.config.ts"

/** What the user's own configuration in `$MILL_HOME` is called. */
export const globalConfigName = "config.ts"

/** What a repository's root holds. */
const rootMarks = [".git", ".jj"]

/** The absolute path of the configuration that counts in the working directory, if there is one. */
export const findConfig = Effect.fn("Config.find")(function* () {
  const { cwd, millHome, userHome } = yield* Settings
  const fs = yield* FileSystem.FileSystem
  const { dirname, join } = yield* Path.Path
  const exists = (path: string) => Effect.orElseSucceed(fs.exists(path), () => false)
  // A link that leads nowhere is there all the same, and an error.
  const isThere = (path: string) =>
    Effect.flatMap(exists(path), (found) =>
      found ? Effect.succeed(true) : Effect.isSuccess(fs.readLink(path)),
    )
  const home =
    userHome === undefined ? undefined : yield* Effect.orElseSucceed(fs.realPath(userHome), () => userHome)
  let folder = cwd
  while (true) {
    const path = join(folder, configName)
    if (yield* isThere(path)) return path
    const marks = yield* Effect.filter(rootMarks, (mark) => exists(join(folder, mark)))
    const above = dirname(folder)
    // What lies in the home folder itself is nobody's project.
    if (marks.length > 0 || above === folder || folder === home || above === home) break
    folder = above
  }
  if (millHome === undefined) return undefined
  const path = join(millHome, globalConfigName)
  return (yield* isThere(path)) ? path : undefined
})
