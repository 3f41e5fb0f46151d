/** Chooses the executor that runs the program: the requested one, the configuration's default, or `direct`. */
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
import { makeDirectExecutor } from "./direct-executor.effect.ts"
import { sandboxRuntimes } from "./sandbox-runtimes.ts"
import { makeVmExecutor } from "./vm-executor.effect.ts"

export type ChosenExecutor =
  | { readonly name: string; readonly config: DirectExecutorConfig }
  | { readonly name: string; readonly config: VmExecutorConfig; readonly command: string }

/** Lists all executors by name: the built-in ones and the configuration's. */
export const listExecutors = (config: MillConfig) =>
  new Map<string, ExecutorConfig>([
    ["direct", { type: "direct" }],
    ["vm", { type: "vm" }],
    ...Object.entries(config.executors ?? {}),
  ])

/** Chooses the executor `name`, or the default when there is no name. */
export const chooseExecutor = Effect.fn("Executors.choose")(function* (
  config: MillConfig,
  name: string | undefined,
): Effect.fn.Return<ChosenExecutor, ConfigError, Processes | Settings> {
  const executors = listExecutors(config)
  const wanted = name ?? config.defaultExecutor ?? "direct"
  const executor = executors.get(wanted)
  if (executor === undefined) {
    const key = name === undefined ? "defaultExecutor" : undefined
    return yield* new ConfigError({ key, ...describeUnknown("executor", wanted, [...executors.keys()]) })
  }
  if (executor.type === "direct") return { name: wanted, config: executor }
  return { name: wanted, config: executor, command: yield* findRuntime(wanted, executor) }
})

/** Finds the executable of a sandbox's runtime. Fails when the runtime cannot provide what the configuration asks for. */
const findRuntime = Effect.fnUntraced(function* (name: string, config: VmExecutorConfig) {
  const { runtime = "bubblewrap" } = config
  const { command, install } = sandboxRuntimes[runtime]
  const isContainer = runtime !== "bubblewrap"
  for (const limit of ["memory", "processes"] as const) {
    if (isContainer || config[limit] === undefined) continue
    return yield* new ConfigError({
      key: `executors.${name}.${limit}`,
      message: `${runtime} cannot limit ${limit}`,
      hint: `use docker or podman, or remove ${limit} to run without a limit`,
    })
  }
  if (isContainer !== (config.image !== undefined)) {
    return yield* new ConfigError({
      key: `executors.${name}.image`,
      message: isContainer ? `${runtime} requires an image` : `${runtime} does not use images`,
      hint: isContainer
        ? 'set image to "debian:stable-slim", for example; any image with glibc works'
        : 'set runtime to "docker" or "podman"',
    })
  }
  const processes = yield* Processes
  const { cwd, searchPath } = yield* Settings
  const wanted = config.command ?? command
  const found = yield* processes.which(wanted, { path: searchPath, cwd })
  if (found !== undefined) return found
  return yield* new ConfigError({
    message: `executor ${name} needs ${runtime}, but the command ${JSON.stringify(wanted)} is not on PATH`,
    hint: install,
  })
})

/** Describes an executor for a plan, without the values of variables. */
export const toPlanExecutor = (chosen: ChosenExecutor): PlanExecutor => {
  if (!("command" in chosen)) return { name: chosen.name, type: "direct" }
  const { command, config, name } = chosen
  const { env = [], image, memory, processes, readable = [], setEnv = {} } = config
  return {
    name,
    type: "vm",
    runtime: config.runtime ?? "bubblewrap",
    command,
    image,
    env: [...env].sort(),
    setEnv: Object.keys(setEnv).sort(),
    readable,
    memory,
    processes,
  }
}

/** Makes the executor of a plan, with the values that only the configuration has. */
export const makeExecutor = Effect.fn("Executors.make")(function* (
  plan: Plan,
  paths: RunPaths,
  { config }: ChosenExecutor,
) {
  return plan.executor.type === "vm" && config.type === "vm"
    ? yield* makeVmExecutor(plan, paths, plan.executor, config)
    : makeDirectExecutor(plan.executor.name)
})
