/**
 * What there is to know for whoever writes programs here: the program's API, and the drivers, extensions and defaults of
 * the configuration that counts in the working directory. A configuration that cannot be used is told of, and the
 * built-in drivers are there all the same.
 */
import { Effect, Option, Result } from "effect"
import type { DriverConfig } from "../../domain/config.schema.ts"
import {
  asyncCommands,
  type ConfigProblem,
  type DiscoveredDriver,
  type DiscoveredExtension,
  events,
  exitCodes,
  records,
  type DiscoveryFacts,
} from "../../domain/discovery.schema.ts"
import type { DiscoverOptions } from "../../domain/engine.schema.ts"
import type { ConfigError } from "../../domain/error.schema.ts"
import type { ExtensionConfig } from "../../domain/extension.schema.ts"
import { programApi } from "../../domain/program-api.schema.ts"
import { type LoadedConfig, loadConfig, nameFile } from "../config/config.effect.ts"
import { Settings } from "../config/settings.effect.ts"
import { chooseDriver, listDrivers, findCommand } from "../drivers/driver-registry.effect.ts"
import { listModels, type Catalogue } from "../drivers/model-catalogue.effect.ts"
import { readSecrets } from "../drivers/secret-headers.effect.ts"
import { chooseExecutor, listExecutors } from "../executors/executor-registry.effect.ts"
import { envName, exampleModel, exampleName } from "../scaffold/scaffold.effect.ts"
import { checkDocumentedTypes } from "../scaffold/documented-types.effect.ts"
import { renderEnv, renderExample } from "../scaffold/scaffold-texts.ts"
import { TypeTexts } from "../scaffold/type-texts.effect.ts"

const noConfig: LoadedConfig = { config: {}, sources: [] }

/** Told where the configuration says nothing. */
const defaultInstructions = "systemPrompt says who the agent is, prompt says what it is to do."

const problemOf = ({ hint, key, message, path }: ConfigError): ConfigProblem => ({
  message,
  ...(path === undefined ? {} : { path }),
  ...(key === undefined ? {} : { key }),
  ...(hint === undefined ? {} : { hint }),
})

const extensionOf = ({ api = {}, description, docs = {}, name }: ExtensionConfig): DiscoveredExtension => ({
  name,
  ...(description === undefined ? {} : { description }),
  functions: Object.fromEntries(Object.keys(api).map((key) => [key, docs[key] ?? {}])),
})

type Known = Pick<DiscoveredDriver, "default" | "available"> & Catalogue

const describe = (driver: DriverConfig, known: Known): DiscoveredDriver => {
  const { codec, description, type } = driver
  const told = { modelFormat: codec.modelFormat, ...known }
  if (type === "http") {
    const url = codec.endpoint(new URL(driver.url)).href
    return {
      description: description ?? `asks ${url} for each spawn, and speaks ${codec.name}`,
      ...told,
      url,
    }
  }
  const { command } = driver
  return {
    description: description ?? `starts ${command} for each spawn, and understands what ${codec.name} prints`,
    ...told,
    command,
  }
}

/** Whether a driver could be used now, and which models it has. */
const lookAt = Effect.fnUntraced(function* (name: string, driver: DriverConfig, ask: boolean) {
  const known: Catalogue = { models: driver.codec.models, modelsFrom: "known" }
  if (driver.type === "http") {
    return { available: yield* Effect.isSuccess(readSecrets(name, driver)), catalogue: known }
  }
  const command = yield* findCommand(driver.command)
  if (command === undefined) return { available: false, catalogue: known }
  return { available: true, catalogue: ask ? yield* listModels(driver, command) : known }
})

export const discover = Effect.fn("Engine.discover")(function* ({ askAgent }: DiscoverOptions) {
  const { millVersion } = yield* Settings
  const loading = yield* Effect.result(Effect.tap(loadConfig(), checkDocumentedTypes))
  const loaded = Result.getOrElse(loading, () => noConfig)
  const { authoring, extensions = [] } = loaded.config
  const choice = yield* Effect.result(chooseDriver(loaded.config, undefined).pipe(nameFile(loaded)))
  const executor = yield* Effect.result(chooseExecutor(loaded.config, undefined).pipe(nameFile(loaded)))
  // The default may be one that cannot be started here.
  const defaultDriver = Result.isSuccess(choice) ? choice.success.name : loaded.config.defaultDriver
  const defaultExecutor = Result.isSuccess(executor) ? executor.success.name : loaded.config.defaultExecutor

  const drivers: Record<string, DiscoveredDriver> = {}
  for (const [name, driver] of yield* listDrivers(loaded.config)) {
    const isDefault = name === defaultDriver
    const { available, catalogue } = yield* lookAt(name, driver, askAgent && isDefault)
    drivers[name] = describe(driver, { ...catalogue, default: isDefault, available })
  }

  const failures = [
    Result.getFailure(loading),
    Result.getFailure(choice),
    Result.getFailure(executor),
  ].flatMap(Option.toArray)
  // What blames no file is no fault of the configuration: no agent is installed.
  const isConfigs = ({ key, path }: ConfigError) => path !== undefined || key !== undefined
  const atFault = failures.find(isConfigs)
  const problem = failures.find((error) => !isConfigs(error))
  const [source] = loaded.sources
  const path = source?.generated === true ? undefined : (source?.path ?? atFault?.path)
  const chosen = drivers[defaultDriver ?? "offline"]
  const model = exampleModel(chosen?.modelFormat, chosen?.models ?? [])
  return {
    discoveryVersion: 1,
    mill: millVersion,
    programApi: {
      ...programApi,
      types: renderEnv(extensions, yield* TypeTexts),
      typesFile: envName,
      example: {
        file: exampleName,
        source: renderExample(model, envName),
        rehearse: `mill run ${exampleName} --driver offline --sync --json`,
      },
    },
    drivers,
    executors: Object.fromEntries(
      [...listExecutors(loaded.config)].map(([name, { type }]) => [
        name,
        { description: executorDescriptions[type], default: name === defaultExecutor },
      ]),
    ),
    defaults: {
      ...(defaultDriver === undefined ? {} : { driver: defaultDriver }),
      executor: defaultExecutor ?? "direct",
      ...(problem === undefined ? {} : { problem: problemOf(problem) }),
    },
    authoring: { instructions: authoring?.instructions ?? defaultInstructions },
    extensions: extensions.map(extensionOf),
    async: asyncCommands,
    ...(path === undefined ? {} : { config: { path } }),
    ...(atFault === undefined ? {} : { configError: problemOf(atFault) }),
    exitCodes,
    records,
    events,
  } satisfies DiscoveryFacts
})

const executorDescriptions = {
  direct: "runs the program as a process like any other, with your rights",
  vm: "runs the program in a sandbox: no network, no files but its own, and mill as the only way out",
}
