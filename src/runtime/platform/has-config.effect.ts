/** Whether mill finds a configuration here. Help loads the engine only if so. */
import { Effect } from "effect"
import { findConfig } from "../../internal/config/config-lookup.effect.ts"
import * as Environment from "./environment.effect.ts"

export const hasConfig = findConfig().pipe(
  Effect.map((path) => path !== undefined),
  Effect.provide(Environment.layer({ runsDir: "." })),
  Effect.orElseSucceed(() => false),
)
