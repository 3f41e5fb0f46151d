/** What a worker does with the run that it was started for. */
import { Effect } from "effect"
import type { MillConfig } from "../../domain/config.schema.ts"
import type { RunId } from "../../domain/ids.schema.ts"
import type { Plan } from "../../domain/plan.schema.ts"
import { evaluateConfig } from "../config/config.effect.ts"
import type { ConfigSource } from "../config/config-loader.effect.ts"
import { Settings } from "../config/settings.effect.ts"
import { driversOf } from "../drivers/driver-registry.effect.ts"
import { makeProcessDriver } from "../drivers/process-driver.effect.ts"
import { directExecutor } from "../executors/executor.effect.ts"
import { LaunchError } from "../../domain/error.schema.ts"
import { readSources } from "../plan/frozen.effect.ts"
import { takeOwnership } from "../store/owner-lock.effect.ts"
import { RunStore } from "../store/run-store.effect.ts"
import { carryOutRun } from "./run.effect.ts"

/** Owns the run `runId` and carries it out. Fails when another worker owns it. */
export const workOn = Effect.fn("Worker.work")(function* (runId: RunId) {
  const { pid } = yield* Settings
  const store = yield* RunStore
  yield* takeOwnership(runId, store.paths(runId).runDir, pid)
  const plan = yield* store.plan(runId)
  const record = yield* carryOutRun(plan, driverOf(plan), directExecutor(plan.executor.name))
  yield* Effect.logInfo(record.summaryHuman)
})

/** The configuration as it was frozen, and the driver that it and the plan name. */
const driverOf = Effect.fnUntraced(function* (plan: Plan) {
  const store = yield* RunStore
  const sources: ReadonlyArray<ConfigSource> = yield* readSources(
    store.paths(plan.invocation.runId),
    plan.config,
  )
  const [entry, ...others] = sources
  const config: MillConfig = entry === undefined ? {} : yield* evaluateConfig([entry, ...others])
  const { command, name } = plan.driver
  const driver = (yield* driversOf(config)).get(name)
  if (driver === undefined)
    return yield* new LaunchError({ message: `the plan's driver ${name} is not in its configuration` })
  return yield* makeProcessDriver(name, driver, command)
})
