/** Makes the content of a plan: once at submit, and again by the worker, which must get the same. */
import { Effect } from "effect"
import { toCanonicalJson } from "../../domain/canonical-json.ts"
import {
  defaultCancelGrace,
  defaultMaxLineBytes,
  defaultMaxRunDepth,
  type MillConfig,
} from "../../domain/config.schema.ts"
import { defaultMaxRetries, listSecretHeaders } from "../../domain/http-config.schema.ts"
import {
  type PlanContent,
  type PlanDriver,
  type PlanHttpDriver,
  type PlanProcessDriver,
  type PlanSource,
  planVersion,
} from "../../domain/plan.schema.ts"
import { Settings } from "../config/settings.effect.ts"
import type {
  ChosenDriver,
  ChosenHttpDriver,
  ChosenProcessDriver,
} from "../drivers/driver-registry.effect.ts"
import { type ChosenExecutor, toPlanExecutor } from "../executors/executor-registry.effect.ts"
import { sha256 } from "../sources/digest.effect.ts"

/** The parts of a plan. Both lists of sources begin with the entry. */
export type PlanParts = {
  readonly programPath: string
  readonly program: ReadonlyArray<PlanSource>
  readonly configSources: ReadonlyArray<PlanSource>
  readonly config: MillConfig
  readonly driver: ChosenDriver
  readonly executor: ChosenExecutor
}

const makePlanDriver = (chosen: ChosenDriver, cancelGrace: number): PlanDriver =>
  chosen.type === "http" ? makeHttpDriver(chosen) : makeProcessDriver(chosen, cancelGrace)

const makeHttpDriver = ({ config, name }: ChosenHttpDriver): PlanHttpDriver => ({
  name,
  type: "http",
  url: config.codec.endpoint(new URL(config.url)).href,
  codec: config.codec.name,
  codecOptions: config.codec.options,
  headers: Object.entries(config.headers ?? {})
    .flatMap(([header, value]) => (typeof value === "string" ? [header.toLowerCase()] : []))
    .sort(),
  keys: listSecretHeaders(config),
  timeout: config.timeout,
  maxRetries: config.maxRetries ?? defaultMaxRetries,
  maxLineBytes: config.maxLineBytes ?? defaultMaxLineBytes,
  modelFormat: config.codec.modelFormat,
  models: config.codec.models,
})

const makeProcessDriver = (
  { command, config, name }: ChosenProcessDriver,
  cancelGrace: number,
): PlanProcessDriver => ({
  name,
  type: "process",
  command,
  args: config.args ?? [],
  codec: config.codec.name,
  codecOptions: config.codec.options,
  env: Object.keys(config.env ?? {}).sort(),
  cwd: config.cwd,
  maxLineBytes: config.maxLineBytes ?? defaultMaxLineBytes,
  cancelGrace: config.cancelGrace ?? cancelGrace,
  modelFormat: config.codec.modelFormat,
  models: config.codec.models,
})

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
