/**
 * Collects what program authors need to know: the program's API, and the drivers, extensions and defaults of the
 * configuration that applies to the working directory. A broken configuration is reported alongside the built-in drivers.
 */
import { Effect, Option, Result } from "effect"
import type { DriverConfig, MillConfig } from "../../domain/config.schema.ts"
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
import { loadConfig, nameFile, noConfig } from "../config/config.effect.ts"
import { Settings } from "../config/settings.effect.ts"
import { chooseDriver, listDrivers, findCommand } from "../drivers/driver-registry.effect.ts"
import { listModels, type Catalogue } from "../drivers/model-catalogue.effect.ts"
import { readSecrets } from "../drivers/secret-headers.effect.ts"
import { chooseExecutor, listExecutors } from "../executors/executor-registry.effect.ts"
import { envName, pickModel, exampleName } from "../scaffold/scaffold.effect.ts"
import { checkDocumentedTypes } from "../scaffold/documented-types.effect.ts"
import { renderEnv, renderExample } from "../scaffold/scaffold-texts.ts"
import { TypeTexts } from "../scaffold/type-texts.effect.ts"

/** The authoring instructions of a configuration without its own. */
const defaultInstructions = "systemPrompt describes the agent's role; prompt describes its task."

const toProblem = ({ hint, key, message, path }: ConfigError): ConfigProblem => ({ message, path, key, hint })

const describeExtension = ({
  api = {},
  description,
  docs = {},
  name,
}: ExtensionConfig): DiscoveredExtension => ({
  name,
  description,
  functions: Object.fromEntries(Object.keys(api).map((key) => [key, docs[key] ?? {}])),
})

type Known = Pick<DiscoveredDriver, "default" | "available"> & Catalogue

const describeDriver = (driver: DriverConfig, known: Known): DiscoveredDriver => {
  const { codec, defaultModel, description, type } = driver
  const shared = { modelFormat: codec.modelFormat, defaultModel, ...known }
  if (type === "http") {
    const url = codec.endpoint(new URL(driver.url)).href
    return {
      description: description ?? `sends each spawn to ${url} in the ${codec.name} format`,
      ...shared,
      url,
    }
  }
  const { command } = driver
  return {
    description:
      description ?? `runs ${command} for each spawn and reads its output in the ${codec.name} format`,
    ...shared,
    command,
  }
}

/** Whether a driver can be used now, and which models it has. */
const inspectDriver = Effect.fnUntraced(function* (name: string, driver: DriverConfig, ask: boolean) {
  const known: Catalogue = { models: driver.codec.models, modelsFrom: "known" }
  if (driver.type === "http") {
    return { available: yield* Effect.isSuccess(readSecrets(name, driver)), catalogue: known }
  }
  const command = yield* findCommand(driver.command)
  if (command === undefined) return { available: false, catalogue: known }
  return { available: true, catalogue: ask ? yield* listModels(driver, command) : known }
})

/** Describes all drivers; `askAgent` asks the default driver's agent for its models. */
const describeDrivers = Effect.fnUntraced(function* (
  config: MillConfig,
  defaultDriver: string | undefined,
  askAgent: boolean,
) {
  const drivers: Record<string, DiscoveredDriver> = {}
  for (const [name, driver] of yield* listDrivers(config)) {
    const isDefault = name === defaultDriver
    const { available, catalogue } = yield* inspectDriver(name, driver, askAgent && isDefault)
    drivers[name] = describeDriver(driver, { ...catalogue, default: isDefault, available })
  }
  return drivers
})

export const discover = Effect.fn("Engine.discover")(function* ({ askAgent }: DiscoverOptions) {
  const { millVersion } = yield* Settings
  const loading = yield* Effect.result(Effect.tap(loadConfig(), checkDocumentedTypes))
  const loaded = Result.getOrElse(loading, () => noConfig)
  const { authoring, extensions = [] } = loaded.config
  const choice = yield* Effect.result(chooseDriver(loaded.config, undefined).pipe(nameFile(loaded)))
  const executor = yield* Effect.result(chooseExecutor(loaded.config, undefined).pipe(nameFile(loaded)))
  // The default may be a driver or an executor that cannot be started here.
  const defaultDriver = Result.isSuccess(choice) ? choice.success.name : loaded.config.defaultDriver
  const defaultExecutor = Result.isSuccess(executor) ? executor.success.name : loaded.config.defaultExecutor

  const drivers = yield* describeDrivers(loaded.config, defaultDriver, askAgent)
  const failures = [loading, choice, executor].flatMap((result) =>
    Option.toArray(Result.getFailure<unknown, ConfigError>(result)),
  )
  // An error without a file or a key is not about the configuration: no agent is installed.
  const isAboutConfig = ({ key, path }: ConfigError) => path !== undefined || key !== undefined
  const configError = failures.find(isAboutConfig)
  const problem = failures.find((error) => !isAboutConfig(error))
  const [source] = loaded.sources
  const path = source?.generated === true ? undefined : (source?.path ?? configError?.path)
  const chosen = drivers[defaultDriver ?? "offline"]
  const model = chosen && pickModel(chosen)
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
      driver: defaultDriver,
      executor: defaultExecutor ?? "direct",
      problem: problem && toProblem(problem),
    },
    authoring: { instructions: authoring?.instructions ?? defaultInstructions },
    extensions: extensions.map(describeExtension),
    async: asyncCommands,
    config: path === undefined ? undefined : { path },
    configError: configError && toProblem(configError),
    exitCodes,
    records,
    events,
  } satisfies DiscoveryFacts
})

const executorDescriptions = {
  direct: "runs the program as an ordinary process with your permissions",
  vm: "runs the program in a sandbox with no network access and no files other than its own; the program can only call mill",
}
