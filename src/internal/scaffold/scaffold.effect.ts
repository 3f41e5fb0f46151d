/**
 * Prepares a folder for mill: a configuration with the agents of this machine, types, and an example program. Existing files
 * are never changed.
 */
import { Effect, FileSystem, Path } from "effect"
import type { MillConfig } from "../../domain/config.schema.ts"
import type { Initialized, InitOptions } from "../../domain/engine.schema.ts"
import { UsageError } from "../../domain/error.schema.ts"
import { loadConfigAt } from "../config/config.effect.ts"
import { configName, findConfig, globalConfigName } from "../config/config-lookup.effect.ts"
import { Settings } from "../config/settings.effect.ts"
import { listDrivers, findCommand, findInstalledAgents } from "../drivers/driver-registry.effect.ts"
import { listModels } from "../drivers/model-catalogue.effect.ts"
import { pathExists, toStoreError, writeNew } from "../files/files.effect.ts"
import { checkDocumentedTypes } from "./documented-types.effect.ts"
import { renderConfig, renderEnv, renderExample } from "./scaffold-texts.ts"
import { TypeTexts } from "./type-texts.effect.ts"

export const envName = "mill-env.d.ts"

export const exampleName = "example.ts"

/** Whether programs in this folder can import the package. */
const isInstalled = Effect.fnUntraced(function* (folder: string) {
  const { dirname, join } = yield* Path.Path
  for (let at = folder; ; at = dirname(at)) {
    if (yield* pathExists(join(at, "node_modules/@mill/core/package.json"))) return true
    if (dirname(at) === at) return false
  }
})

/** Picks a model for an example from those that a driver has. None, if spawns of the driver need not name one. */
export const pickModel = (driver: {
  readonly defaultModel?: string | undefined
  readonly models: ReadonlyArray<string>
  readonly url?: string | undefined
}): string | undefined =>
  driver.defaultModel === undefined
    ? (driver.models[0] ?? (driver.url === undefined ? undefined : "any-model"))
    : undefined

/** Finds a model of the default driver: asks its agent, if that is installed. */
const findModel = Effect.fnUntraced(function* (config: MillConfig, fallback: string) {
  const driver = (yield* listDrivers(config)).get(config.defaultDriver ?? fallback)
  if (driver === undefined) return undefined
  const { codec, defaultModel } = driver
  if (driver.type === "http") return pickModel({ defaultModel, models: codec.models, url: driver.url })
  const command = yield* findCommand(driver.command)
  const { models } = command === undefined ? codec : yield* listModels(driver, command)
  return pickModel({ defaultModel, models })
})

const writeMissing = Effect.fnUntraced(function* (
  files: ReadonlyArray<readonly [path: string, text: string]>,
) {
  const created: Array<string> = []
  const kept: Array<string> = []
  for (const [path, text] of files) ((yield* writeNew(path, text)) ? created : kept).push(path)
  return { created, kept } satisfies Initialized
})

/** Where agents look for skills. claude has its own folder, which becomes a link to the shared one. */
const skillFolder = ".agents/skills/mill"
const claudeSkillFolder = ".claude/skills/mill"

/** Writes the skill file `text` into the working directory, or into the user's home. */
const scaffoldSkill = Effect.fnUntraced(function* (folder: string, text: string) {
  const fs = yield* FileSystem.FileSystem
  const { dirname, join, relative } = yield* Path.Path
  const target = join(folder, skillFolder)
  const written = yield* writeMissing([[join(target, "SKILL.md"), text]])
  const agents = yield* findInstalledAgents
  if (!agents.some(({ name }) => name === "claude") && !(yield* pathExists(join(folder, ".claude"))))
    return written
  const link = join(folder, claudeSkillFolder)
  const linked = yield* fs.makeDirectory(dirname(link), { recursive: true }).pipe(
    Effect.andThen(fs.symlink(relative(dirname(link), target), link)),
    Effect.as(true),
    Effect.catchReason("PlatformError", "AlreadyExists", () => Effect.succeed(false)),
    Effect.mapError(toStoreError(link, "write")),
  )
  return {
    created: linked ? [...written.created, link] : written.created,
    kept: linked ? written.kept : [...written.kept, link],
  } satisfies Initialized
})

export const scaffold = Effect.fn("Engine.init")(function* ({ global, skill }: InitOptions) {
  const { cwd, millHome, userHome } = yield* Settings
  const { basename, join } = yield* Path.Path
  const folder = global ? (skill === undefined ? millHome : userHome) : cwd
  if (folder === undefined) {
    return yield* new UsageError({
      message:
        skill === undefined
          ? "cannot find the global configuration directory: neither HOME nor MILL_HOME is set"
          : "cannot find your home directory: HOME is not set",
    })
  }
  if (skill !== undefined) return yield* scaffoldSkill(folder, skill)
  const own = join(folder, global ? globalConfigName : configName)
  // A new configuration here would hide the one of a parent folder, which applies here too.
  const found = global ? undefined : yield* findConfig()
  const configPath = found !== undefined && basename(found) === configName ? found : own
  const agents = yield* findInstalledAgents
  // An existing configuration may have extensions and another default driver.
  const config: MillConfig = (yield* pathExists(configPath))
    ? (yield* Effect.tap(loadConfigAt(configPath), checkDocumentedTypes)).config
    : {}
  const types = (yield* isInstalled(folder)) ? undefined : yield* TypeTexts
  const model = yield* findModel(config, agents[0]?.name ?? "offline")

  const files: ReadonlyArray<readonly [path: string, text: string]> = [
    [configPath, renderConfig(agents, envName)],
    [join(folder, envName), renderEnv(config.extensions ?? [], types)],
    ...(global ? [] : [[join(folder, exampleName), renderExample(model, envName)] as const]),
  ]
  const written = yield* writeMissing(files)
  return configPath === own ? written : ({ ...written, configAbove: configPath } satisfies Initialized)
})
