/**
 * Makes a folder ready for mill: a configuration with the agents of this machine, types, and a first program. Whatever
 * is there already stays as it is.
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
import { toStoreError, writeNew } from "../files/files.effect.ts"
import { checkDocumentedTypes } from "./documented-types.effect.ts"
import { renderConfig, renderEnv, renderExample } from "./scaffold-texts.ts"
import { TypeTexts } from "./type-texts.effect.ts"

/** The types of a folder's programs. */
export const envName = "mill-env.d.ts"

/** A first program. */
export const exampleName = "example.ts"

/** Whether programs in this folder would find the package. */
const isInstalled = Effect.fnUntraced(function* (folder: string) {
  const fs = yield* FileSystem.FileSystem
  const { dirname, join } = yield* Path.Path
  for (let at = folder; ; at = dirname(at)) {
    const found = fs.exists(join(at, "node_modules/@mill/core/package.json"))
    if (yield* Effect.orElseSucceed(found, () => false)) return true
    if (dirname(at) === at) return false
  }
})

/** A model for an example, of those that a driver is known to have. */
export const exampleModel = (modelFormat: string | undefined, models: ReadonlyArray<string>): string =>
  models[0] ?? (modelFormat === "provider/model-id" ? modelFormat : "any-model")

/** A model that the default driver has: its agent is asked, if it is there. */
const modelFor = Effect.fnUntraced(function* (config: MillConfig, fallback: string) {
  const driver = (yield* listDrivers(config)).get(config.defaultDriver ?? fallback)
  if (driver === undefined) return exampleModel(undefined, [])
  const command = driver.type === "process" ? yield* findCommand(driver.command) : undefined
  const { models } =
    driver.type === "process" && command !== undefined ? yield* listModels(driver, command) : driver.codec
  return exampleModel(driver.codec.modelFormat, models)
})

/** Writes what is not there yet. */
const writeMissing = Effect.fnUntraced(function* (
  files: ReadonlyArray<readonly [path: string, text: string]>,
) {
  const created: Array<string> = []
  const kept: Array<string> = []
  for (const [path, text] of files) ((yield* writeNew(path, text)) ? created : kept).push(path)
  return { created, kept } satisfies Initialized
})

/** Where agents look for skills: one folder for all of them, and claude's own, which leads there. */
const skillFolder = ".agents/skills/mill"
const claudeSkillFolder = ".claude/skills/mill"

/** Writes the skill file `text` into the working directory, or into the user's home. */
const scaffoldSkill = Effect.fnUntraced(function* (folder: string, text: string) {
  const fs = yield* FileSystem.FileSystem
  const { dirname, join, relative } = yield* Path.Path
  const target = join(folder, skillFolder)
  const written = yield* writeMissing([[join(target, "SKILL.md"), text]])
  const isThere = (path: string) => Effect.orElseSucceed(fs.exists(path), () => false)
  const agents = yield* findInstalledAgents
  if (!agents.some(({ name }) => name === "claude") && !(yield* isThere(join(folder, ".claude"))))
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
  const fs = yield* FileSystem.FileSystem
  const folder = global ? (skill === undefined ? millHome : userHome) : cwd
  if (folder === undefined) {
    return yield* new UsageError({ message: "there is no place for it: neither HOME nor MILL_HOME is set" })
  }
  if (skill !== undefined) return yield* scaffoldSkill(folder, skill)
  const own = join(folder, global ? globalConfigName : configName)
  // A second one here would hide all that a folder above has declared for this one, too.
  const found = global ? undefined : yield* findConfig()
  const configPath = found !== undefined && basename(found) === configName ? found : own
  const agents = yield* findInstalledAgents
  // One that is there already may have extensions, and another default.
  const isThere = yield* Effect.orElseSucceed(fs.exists(configPath), () => false)
  const config: MillConfig = isThere
    ? (yield* Effect.tap(loadConfigAt(configPath), checkDocumentedTypes)).config
    : {}
  const types = (yield* isInstalled(folder)) ? undefined : yield* TypeTexts
  const model = yield* modelFor(config, agents[0]?.name ?? "offline")

  const files: ReadonlyArray<readonly [path: string, text: string]> = [
    [configPath, renderConfig(agents, envName)],
    [join(folder, envName), renderEnv(config.extensions ?? [], types)],
    ...(global ? [] : [[join(folder, exampleName), renderExample(model, envName)] as const]),
  ]
  const written = yield* writeMissing(files)
  return configPath === own ? written : ({ ...written, configAbove: configPath } satisfies Initialized)
})
