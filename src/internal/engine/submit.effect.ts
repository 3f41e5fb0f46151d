/**
 * Submits a run: everything that can be refused is refused before anything is left on the disk; then the run's folder
 * appears, whole, and its worker is started.
 */
import { Effect } from "effect"
import { SecureRandom } from "effect/crypto"
import { defaultMaxRunDepth } from "../../domain/config.schema.ts"
import type { PreparedRun, SubmitInput } from "../../domain/submission.schema.ts"
import { UsageError } from "../../domain/error.schema.ts"
import { runIdOf } from "../../domain/ids.schema.ts"
import type { SubmittedRun } from "../../domain/run.schema.ts"
import { loadConfig, namingFile } from "../config/config.effect.ts"
import { Settings } from "../config/settings.effect.ts"
import { chooseDriver } from "../drivers/driver-registry.effect.ts"
import { chooseExecutor } from "../executors/executor-registry.effect.ts"
import { checkSandbox } from "../executors/sandbox-check.effect.ts"
import { compilePlan, findProgram } from "../plan/compile.effect.ts"
import { RunStore } from "../store/run-store.effect.ts"
import { checkSubmitInput } from "./input.effect.ts"
import { LaunchPreparation, launchWorker } from "./launch.effect.ts"

/** Everything that submitting does before it leaves a trace. */
export const prepareRun = Effect.fn("Engine.prepare")(function* (given: SubmitInput) {
  const input = yield* checkSubmitInput(given)
  const { cwd, parent } = yield* Settings
  const programPath = yield* findProgram(input.program)
  const loaded = yield* loadConfig()
  const depth = parent === undefined ? 0 : parent.depth + 1
  const { confirm = true, maxRunDepth = defaultMaxRunDepth } = loaded.config
  if (depth > maxRunDepth) {
    return yield* new UsageError({
      message: `a run inside ${depth} runs is refused: maxRunDepth is ${maxRunDepth}`,
      hint: "raise maxRunDepth in mill.config.ts if this is meant",
    })
  }
  const { because, ...driver } = yield* chooseDriver(loaded.config, input.driver).pipe(namingFile(loaded))
  const executor = yield* chooseExecutor(loaded.config, input.executor).pipe(namingFile(loaded))
  const invocation: PreparedRun["invocation"] = {
    cwd,
    args: input.args ?? [],
    metadata: input.metadata ?? {},
    depth,
    ...(parent === undefined ? {} : { parentRunId: parent.runId }),
    ...(parent?.spawnId === undefined ? {} : { parentSpawnId: parent.spawnId }),
  }
  const compiled = yield* compilePlan(programPath, loaded, driver, executor)
  yield* checkSandbox(compiled.plan)
  return {
    ...compiled,
    invocation,
    confirm,
    ...(because === undefined ? {} : { because }),
  } satisfies PreparedRun
})

/** Makes a run of what was prepared. */
export const startRun = Effect.fn("Engine.start")(function* (prepared: PreparedRun) {
  const store = yield* RunStore
  yield* yield* LaunchPreparation
  const runId = runIdOf(yield* (yield* SecureRandom.SecureRandom).ulid)
  const plan = { ...prepared.plan, invocation: { runId, ...prepared.invocation } }
  const paths = yield* store.create(plan, prepared.program, prepared.contents)
  yield* launchWorker(runId, paths)
  const [config] = plan.config
  return {
    runId,
    status: "running",
    paths,
    ...(config === undefined || config.generated === true ? {} : { configPath: config.path }),
  } satisfies SubmittedRun
})
