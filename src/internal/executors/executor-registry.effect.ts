/** Which executor runs the program: the one that was asked for, the configuration's default, or `direct`. */
import { Effect } from "effect"
import type { DirectExecutorConfig, MillConfig } from "../../domain/config.schema.ts"
import { ConfigError } from "../../domain/error.schema.ts"
import { closest } from "../config/config-issue.effect.ts"

/** An executor that can be used. */
export type ChosenExecutor = { readonly name: string; readonly config: DirectExecutorConfig }

/** All executors by name: the built-in one and the configuration's. */
export const executorsOf = (config: MillConfig) =>
  new Map<string, DirectExecutorConfig>([
    ["direct", { type: "direct" }],
    ...Object.entries(config.executors ?? {}),
  ])

/** The executor `name`, or the one to use when there is no name. */
export const chooseExecutor = Effect.fnUntraced(function* (config: MillConfig, name: string | undefined) {
  const executors = executorsOf(config)
  const wanted = name ?? config.defaultExecutor ?? "direct"
  const executor = executors.get(wanted)
  if (executor !== undefined) return { name: wanted, config: executor } satisfies ChosenExecutor
  const names = [...executors.keys()]
  const close = closest(wanted, names)
  return yield* new ConfigError({
    ...(name === undefined ? { key: "defaultExecutor" } : {}),
    message: `there is no executor ${JSON.stringify(wanted)}; there are ${names.join(", ")}`,
    ...(close === undefined ? {} : { hint: `did you mean ${close}?` }),
  })
})
