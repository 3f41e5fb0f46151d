/** Finds the sources of a plan that have changed on disk since it was submitted. The run uses the frozen ones anyway. */
import { Effect } from "effect"
import type { Plan } from "../../domain/plan.schema.ts"
import type { ChangedSource } from "../../domain/run.schema.ts"
import { readRegular } from "../files/regular-files.effect.ts"
import { sha256 } from "../sources/digest.effect.ts"

/** The sources whose file is missing, or differs from the plan. */
export const findChangedSources = Effect.fn("Plan.changedSources")(function* (plan: Plan) {
  const changed: Array<ChangedSource> = []
  for (const source of [...plan.program, ...plan.config]) {
    if (source.generated === true) continue
    const text = yield* Effect.orElseSucceed(readRegular(source.path), () => undefined)
    if (text === undefined) changed.push({ path: source.path, change: "missing" })
    else if ((yield* sha256(text)) !== source.sha256) changed.push({ path: source.path, change: "edited" })
  }
  return changed
})
