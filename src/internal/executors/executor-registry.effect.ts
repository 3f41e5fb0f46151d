/** Which executor runs the program: the one that was asked for, the configuration's default, or `direct`. */
import { Effect } from "effect"
import type {
  DirectExecutorConfig,
  ExecutorConfig,
  MillConfig,
  VmExecutorConfig,
} from "../../domain/config.schema.ts"
import { ConfigError } from "../../domain/error.schema.ts"
import type { Plan, PlanExecutor } from "../../domain/plan.schema.ts"
import type { RunPaths } from "../../domain/run.schema.ts"
import { describeUnknown } from "../config/decode-config.ts"
import { Settings } from "../config/settings.effect.ts"
import { Processes } from "../process/processes.effect.ts"
import { directExecutor } from "./direct-executor.effect.ts"
import { runtimeOf } from "./sandbox-runtimes.ts"
import { vmExecutor } from "./vm-executor.effect.ts"

/** An executor that can be used: what it needs is installed. */
export type ChosenExecutor =
  | { readonly name: string; readonly config: DirectExecutorConfig }
  | { readonly name: string; readonly config: VmExecutorConfig; readonly command: string }

/** All executors by name: the built-in ones and the configuration's. */
export const executorsOf = (config: MillConfig) =>
  new Map<string, ExecutorConfig>([
    ["direct", { type: "direct" }],
    ["vm", { type: "vm" }],
    ...Object.entries(config.executors ?? {}),
  ])

/** The executor `name`, or the one to use when there is no name. */
export const chooseExecutor = Effect.fn("Executors.choose")(function* (
  config: MillConfig,
  name: string | undefined,
) {
  const executors = executorsOf(config)
  const wanted = name ?? config.defaultExecutor ?? "direct"
  const executor = executors.get(wanted)
  if (executor === undefined) {
    const key = name === undefined ? { key: "defaultExecutor" } : {}
    return yield* new ConfigError({ ...key, ...describeUnknown("executor", wanted, [...executors.keys()]) })
  }
  if (executor.type === "direct") return { name: wanted, config: executor } satisfies ChosenExecutor
  return {
    name: wanted,
    config: executor,
    command: yield* findRuntime(wanted, executor),
  } satisfies ChosenExecutor
})

/** The executable of a sandbox's runtime. Refuses what the runtime cannot give, rather than going without. */
const findRuntime = Effect.fnUntraced(function* (name: string, config: VmExecutorConfig) {
  const { command, install, limits, needsImage, title } = runtimeOf(config)
  for (const limit of ["memory", "processes"] as const) {
    if (limits || config[limit] === undefined) continue
    return yield* new ConfigError({
      key: `executors.${name}.${limit}`,
      message: `${title} cannot limit ${limit}`,
      hint: "docker and podman can; leave it out to run without a limit",
    })
  }
  if (needsImage !== (config.image !== undefined)) {
    return yield* new ConfigError({
      key: `executors.${name}.image`,
      message: needsImage ? `${title} needs an image to start` : `${title} starts no images`,
      hint: needsImage
        ? 'for example "debian:stable-slim": any with glibc'
        : 'say runtime: "docker", or "podman"',
    })
  }
  const processes = yield* Processes
  const { cwd, searchPath } = yield* Settings
  const wanted = config.command ?? command
  const found = yield* processes.which(wanted, { path: searchPath, cwd })
  if (found !== undefined) return found
  return yield* new ConfigError({
    message: `executor ${name} needs ${title}, and the command ${JSON.stringify(wanted)} is not on PATH`,
    hint: install,
  })
})

/** What a plan says of an executor. */
export const planExecutor = (chosen: ChosenExecutor): PlanExecutor => {
  if (!("command" in chosen)) return { name: chosen.name, type: "direct" }
  const { command, config, name } = chosen
  const { env = [], image, memory, processes, readable = [], setEnv = {} } = config
  return {
    name,
    type: "vm",
    runtime: config.runtime ?? "bubblewrap",
    command,
    ...(image === undefined ? {} : { image }),
    env: [...env].sort(),
    setEnv: Object.keys(setEnv).sort(),
    readable,
    ...(memory === undefined ? {} : { memory }),
    ...(processes === undefined ? {} : { processes }),
  }
}

/** The executor that a plan names, with what is in the configuration and in no plan. */
export const makeExecutor = Effect.fn("Executors.make")(function* (
  plan: Plan,
  paths: RunPaths,
  { config }: ChosenExecutor,
) {
  return plan.executor.type === "vm" && config.type === "vm"
    ? yield* vmExecutor(plan, paths, plan.executor, config)
    : directExecutor(plan.executor.name)
})
