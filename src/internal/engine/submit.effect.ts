/**
 * Submits a run: everything that can be refused is refused before anything is left on the disk; then the run's folder
 * appears, whole, and its worker is started.
 */
import { Effect } from "effect"
import { SecureRandom } from "effect/crypto"
import { UsageError } from "../../domain/error.schema.ts"
import { runIdOf } from "../../domain/ids.schema.ts"
import type { Invocation } from "../../domain/plan.schema.ts"
import type { SubmittedRun } from "../../domain/run.schema.ts"
import { loadConfig, namingFile } from "../config/config.effect.ts"
import { Settings } from "../config/settings.effect.ts"
import { chooseDriver } from "../drivers/driver-registry.effect.ts"
import { chooseExecutor } from "../executors/executor-registry.effect.ts"
import { compilePlan, defaultMaxRunDepth, findProgram } from "../plan/compile.effect.ts"
import { RunStore } from "../store/run-store.effect.ts"
import { launchWorker } from "./launch.effect.ts"

/** What is to be run, and how. */
export type SubmitInput = {
  readonly program: string
  readonly driver?: string | undefined
  readonly executor?: string | undefined
  readonly args?: ReadonlyArray<string> | undefined
  readonly metadata?: Readonly<Record<string, string>> | undefined
}

/** A run that is on its way, and what mill chose for it. */
export type Submission = SubmittedRun & {
  readonly driver: { readonly name: string; readonly because?: string }
}

export const submitRun = Effect.fn("Engine.submit")(function* (input: SubmitInput) {
  const settings = yield* Settings
  const store = yield* RunStore
  const programPath = yield* findProgram(input.program)
  const loaded = yield* loadConfig()
  const depth = settings.parent === undefined ? 0 : settings.parent.depth + 1
  const maxRunDepth = loaded.config.maxRunDepth ?? defaultMaxRunDepth
  if (depth > maxRunDepth) {
    return yield* new UsageError({
      message: `a run inside ${depth} runs is refused: maxRunDepth is ${maxRunDepth}`,
      hint: "raise maxRunDepth in mill.config.ts if this is meant",
    })
  }
  const driver = yield* chooseDriver(loaded.config, input.driver).pipe(namingFile(loaded))
  const executor = yield* chooseExecutor(loaded.config, input.executor).pipe(namingFile(loaded))
  const runId = runIdOf(yield* (yield* SecureRandom.SecureRandom).ulid)
  const { parent } = settings
  const invocation: Invocation = {
    runId,
    cwd: settings.cwd,
    args: input.args ?? [],
    metadata: input.metadata ?? {},
    depth,
    ...(parent === undefined ? {} : { parentRunId: parent.runId }),
    ...(parent?.spawnId === undefined ? {} : { parentSpawnId: parent.spawnId }),
  }
  const { contents, plan, program } = yield* compilePlan(programPath, loaded, driver, executor, invocation)
  const paths = yield* store.create(plan, program, contents)
  yield* launchWorker(runId, paths)
  const { because, name } = driver
  return {
    runId,
    status: "running",
    paths,
    driver: { name, ...(because === undefined ? {} : { because }) },
  } satisfies Submission
})
