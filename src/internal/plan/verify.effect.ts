/**
 * Makes the plan again in the worker, from the frozen sources and with the configuration evaluated again, and compares it
 * with the plan that was submitted: a run never executes any other plan.
 */
import { Effect, Predicate } from "effect"
import { toCanonicalJson } from "../../domain/canonical-json.ts"
import { LaunchError } from "../../domain/error.schema.ts"
import type { Plan, PlanContent, PlanSource } from "../../domain/plan.schema.ts"
import { evaluateConfig, type LoadedConfig } from "../config/config.effect.ts"
import { GivenConfig } from "../config/config-object.effect.ts"
import { chooseDriver } from "../drivers/driver-registry.effect.ts"
import { chooseExecutor } from "../executors/executor-registry.effect.ts"
import { RunStore } from "../store/run-store.effect.ts"
import { hashPlan, makePlanContent } from "./content.effect.ts"
import { sha256 } from "../sources/digest.effect.ts"
import { readFrozen, readSources } from "./frozen.effect.ts"

/** The path of the first field in which two plans differ, such as `driver.args.0`. */
const findDifference = (a: unknown, b: unknown, path = ""): string | undefined => {
  if (!Predicate.isObjectOrArray(a) || !Predicate.isObjectOrArray(b))
    return toCanonicalJson(a) === toCanonicalJson(b) ? undefined : path
  for (const key of Object.keys({ ...a, ...b })) {
    const found = findDifference(
      Reflect.get(a, key),
      Reflect.get(b, key),
      path === "" ? key : `${path}.${key}`,
    )
    if (found !== undefined) return found
  }
  return undefined
}

/** The sources with the actual hashes of the frozen files, and their contents. */
const rehash = Effect.fnUntraced(function* (plan: Plan, sources: ReadonlyArray<PlanSource>) {
  const paths = (yield* RunStore).paths(plan.invocation.runId)
  const texts = yield* readSources(paths, sources)
  const rehashed: Array<PlanSource> = []
  for (const [index, { loadAs, ...source }] of sources.entries()) {
    const sha = yield* sha256(texts[index]?.contents ?? "")
    const wrapped = loadAs === undefined ? undefined : yield* sha256(yield* readFrozen(paths, loadAs))
    rehashed.push({ ...source, sha256: sha, loadAs: wrapped })
  }
  return { texts, rehashed }
})

/** The configuration, driver and executor of a plan. Fails if they produce a plan that differs from the submitted one. */
export const verifyPlan = Effect.fn("Plan.verify")(function* (plan: Plan) {
  const program = yield* rehash(plan, plan.program)
  const configured = yield* rehash(plan, plan.config)
  const [entry, ...others] = configured.texts
  const given = yield* GivenConfig
  const config: LoadedConfig["config"] =
    given?._tag === "Object" && given.isLocal && given.source.contents === entry?.contents
      ? given.config
      : entry === undefined
        ? {}
        : yield* evaluateConfig([entry, ...others])
  const driver = yield* chooseDriver(config, plan.driver.name)
  const executor = yield* chooseExecutor(config, plan.executor.name)
  const content = yield* makePlanContent({
    programPath: plan.programPath,
    program: program.rehashed,
    configSources: configured.rehashed,
    config,
    driver,
    executor,
  })
  const { invocation: _, planId, ...submitted } = plan
  const field =
    findDifference(submitted satisfies PlanContent, content) ??
    ((yield* hashPlan(content)) === planId ? undefined : "planId")
  if (field !== undefined) {
    return yield* new LaunchError({
      message: `the plan differs from the submitted plan in ${field}`,
      hint: "make the configuration file deterministic, so that every evaluation returns the same values",
    })
  }
  return { config, driver, executor }
})
