/** Makes the driver of a run from its plan and the current configuration. */
import { Effect } from "effect"
import { LaunchError } from "../../domain/error.schema.ts"
import type { PlanDriver } from "../../domain/plan.schema.ts"
import type { ChosenDriver } from "./driver-registry.effect.ts"
import { makeHttpDriver } from "./http-driver.effect.ts"
import { makeProcessDriver } from "./process-driver.effect.ts"

export const makeDriver = Effect.fnUntraced(function* (plan: PlanDriver, chosen: ChosenDriver) {
  if (plan.type === "process" && chosen.type === "process") {
    return yield* makeProcessDriver(plan, chosen.config)
  }
  if (plan.type === "http" && chosen.type === "http") return yield* makeHttpDriver(plan, chosen.config)
  // Verifying the plan has ruled this out.
  return yield* new LaunchError({ message: `driver ${plan.name} is no longer of type ${plan.type}` })
})
