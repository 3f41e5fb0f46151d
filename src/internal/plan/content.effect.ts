/** Makes the content of a plan: once at submit, and again in the worker, where the result must be the same. */
import { Effect } from "effect"
import { toCanonicalJson } from "../../domain/canonical-json.ts"
import {
  defaultCancelGrace,
  defaultMaxLineBytes,
  defaultMaxRunDepth,
  type MillConfig,
} from "../../domain/config.schema.ts"
import { defaultMaxRetries, listSecretHeaders } from "../../domain/http-config.schema.ts"
import { type PlanContent, type PlanDriver, type PlanSource, planVersion } from "../../domain/plan.schema.ts"
import { Settings } from "../config/settings.effect.ts"
import type { ChosenDriver } from "../drivers/driver-registry.effect.ts"
import { type ChosenExecutor, toPlanExecutor } from "../executors/executor-registry.effect.ts"
import { sha256 } from "../sources/digest.effect.ts"

/** The parts of a plan. Both lists of sources begin with the entry. */
type PlanParts = {
  readonly programPath: string
  readonly program: ReadonlyArray<PlanSource>
  readonly configSources: ReadonlyArray<PlanSource>
  readonly config: MillConfig
  readonly driver: ChosenDriver
  readonly executor: ChosenExecutor
}

const makePlanDriver = (chosen: ChosenDriver, cancelGrace: number): PlanDriver => {
  const { codec, defaultModel, maxLineBytes = defaultMaxLineBytes } = chosen.config
  const { modelFormat, models, name, options: codecOptions } = codec
  const shared = { codec: name, codecOptions, maxLineBytes, modelFormat, models, defaultModel }
  if (chosen.type === "process") {
    const { command, config, type } = chosen
    return {
      name: chosen.name,
      type,
      command,
      args: config.args ?? [],
      env: Object.keys(config.env ?? {}).sort(),
      cwd: config.cwd,
      cancelGrace: config.cancelGrace ?? cancelGrace,
      ...shared,
    }
  }
  const { config, type } = chosen
  return {
    name: chosen.name,
    type,
    url: config.codec.endpoint(new URL(config.url)).href,
    headers: Object.entries(config.headers ?? {})
      .flatMap(([header, value]) => (typeof value === "string" ? [header.toLowerCase()] : []))
      .sort(),
    keys: listSecretHeaders(config),
    timeout: config.timeout,
    maxRetries: config.maxRetries ?? defaultMaxRetries,
    ...shared,
  }
}

export const makePlanContent = Effect.fnUntraced(function* (parts: PlanParts) {
  const settings = yield* Settings
  const { config } = parts
  const cancelGrace = config.cancelGrace ?? defaultCancelGrace
  return {
    planVersion,
    mill: settings.millVersion,
    bun: settings.bunVersion,
    programPath: parts.programPath,
    program: parts.program,
    config: parts.configSources,
    driver: makePlanDriver(parts.driver, cancelGrace),
    executor: toPlanExecutor(parts.executor),
    extensions: (config.extensions ?? []).map(({ api = {}, name }) => ({
      name,
      api: Object.keys(api).sort(),
    })),
    authoring: config.authoring?.instructions,
    limits: { maxRunDepth: config.maxRunDepth ?? defaultMaxRunDepth, cancelGrace },
  } satisfies PlanContent
})

/** The id of a plan: a hash of its content. */
export const hashPlan = (content: PlanContent) => sha256(toCanonicalJson(content))
