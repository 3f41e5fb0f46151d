/** Whether there is a configuration here: for help, which loads nothing more when there is none. */
import { Effect } from "effect"
import { findConfig } from "../../internal/config/config-lookup.effect.ts"
import * as Environment from "./environment.effect.ts"

export const isConfigThere = findConfig().pipe(
  Effect.map((path) => path !== undefined),
  Effect.provide(Environment.layer({ runsDir: "." })),
  Effect.orElseSucceed(() => false),
)
