/**
 * Where the configuration is: `mill.config.ts` in the working directory or above it, as far as the repository goes;
 * otherwise `config.ts` in `$MILL_HOME`.
 */
import { Effect, FileSystem, Path } from "effect"
import { Settings } from "./settings.effect.ts"

/** What a project's configuration is called. */
export const configName = "mill.config.ts"

/** What a repository's root holds. */
const rootMarks = [".git", ".jj"]

/** The user's own configuration, which counts where no project has one. */
export const globalConfig = Effect.map(Settings, ({ millHome }) =>
  millHome === undefined ? undefined : `${millHome}/config.ts`,
)

/** The absolute path of the configuration that counts in the working directory, if there is one. */
export const findConfig = Effect.fn("Config.find")(function* () {
  const { cwd, userHome } = yield* Settings
  const fs = yield* FileSystem.FileSystem
  const { dirname, join } = yield* Path.Path
  const exists = (path: string) => Effect.orElseSucceed(fs.exists(path), () => false)
  let folder = cwd
  while (true) {
    const path = join(folder, configName)
    if (yield* exists(path)) return path
    const marks = yield* Effect.filter(rootMarks, (mark) => exists(join(folder, mark)))
    const above = dirname(folder)
    // What lies in the home folder itself is nobody's project.
    if (marks.length > 0 || above === folder || folder === userHome || above === userHome) break
    folder = above
  }
  const path = yield* globalConfig
  return path !== undefined && (yield* exists(path)) ? path : undefined
})
