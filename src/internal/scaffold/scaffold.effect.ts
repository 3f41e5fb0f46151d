/**
 * Makes a folder ready for mill: a configuration with the agents of this machine, types, and a first program. Whatever
 * is there already stays as it is.
 */
import { Effect, FileSystem, Path } from "effect"
import type { MillConfig } from "../../domain/config.schema.ts"
import { UsageError } from "../../domain/error.schema.ts"
import { loadConfigAt } from "../config/config.effect.ts"
import { configName, globalConfigName } from "../config/config-lookup.effect.ts"
import { Settings } from "../config/settings.effect.ts"
import { driversOf, installedAgents } from "../drivers/driver-registry.effect.ts"
import { writeNew } from "../store/files.effect.ts"
import { configText, envText, exampleText } from "./scaffold-texts.effect.ts"
import { TypeTexts } from "./type-texts.effect.ts"

/** The types of a folder's programs. */
export const envName = "mill-env.d.ts"

/** A first program. */
export const exampleName = "example.ts"

/** What was written, and what was there already: absolute paths. */
export type Scaffolded = { readonly created: ReadonlyArray<string>; readonly kept: ReadonlyArray<string> }

export type ScaffoldOptions = {
  /** The user's own configuration in `$MILL_HOME`, instead of the working directory's. */
  readonly global: boolean
}

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

/** A model that the default driver has. */
const modelFor = Effect.fnUntraced(function* (config: MillConfig, fallback: string) {
  const driver = (yield* driversOf(config)).get(config.defaultDriver ?? fallback)
  return driver?.codec.models[0] ?? "provider/model"
})

export const scaffold = Effect.fn("Engine.init")(function* ({ global }: ScaffoldOptions) {
  const { cwd, millHome } = yield* Settings
  const { join } = yield* Path.Path
  const fs = yield* FileSystem.FileSystem
  const folder = global ? millHome : cwd
  if (folder === undefined) {
    return yield* new UsageError({ message: "there is no place for it: neither HOME nor MILL_HOME is set" })
  }
  const configPath = join(folder, global ? globalConfigName : configName)
  const agents = yield* installedAgents
  // One that is there already may have extensions, and another default.
  const isThere = yield* Effect.orElseSucceed(fs.exists(configPath), () => false)
  const config: MillConfig = isThere ? (yield* loadConfigAt(configPath)).config : {}
  const types = (yield* isInstalled(folder)) ? undefined : yield* TypeTexts
  const model = yield* modelFor(config, agents[0]?.name ?? "offline")

  const files: ReadonlyArray<readonly [path: string, text: string]> = [
    [configPath, configText(agents, envName)],
    [join(folder, envName), envText(config.extensions ?? [], types)],
    ...(global ? [] : [[join(folder, exampleName), exampleText(model, envName)] as const]),
  ]
  const created: Array<string> = []
  const kept: Array<string> = []
  for (const [path, text] of files) ((yield* writeNew(path, text)) ? created : kept).push(path)
  return { created, kept } satisfies Scaffolded
})
