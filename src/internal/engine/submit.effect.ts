/**
 * Submits a run. Everything is checked before anything is written; then the run's folder appears, whole, and its worker
 * is started.
 */
import { Effect, FileSystem } from "effect"
import { SecureRandom } from "effect/crypto"
import { defined } from "../../domain/defined.ts"
import { defaultMaxRunDepth } from "../../domain/config.schema.ts"
import type { AttendOptions } from "../../domain/engine.schema.ts"
import type { PreparedRun, SubmitInput } from "../../domain/submission.schema.ts"
import { UsageError } from "../../domain/error.schema.ts"
import { makeRunId } from "../../domain/ids.schema.ts"
import type { SubmittedRun } from "../../domain/run.schema.ts"
import { loadConfig, nameFile } from "../config/config.effect.ts"
import { Settings } from "../config/settings.effect.ts"
import { chooseDriver } from "../drivers/driver-registry.effect.ts"
import { chooseExecutor } from "../executors/executor-registry.effect.ts"
import { checkSandbox } from "../executors/sandbox-check.effect.ts"
import { compilePlan, findProgram } from "../plan/compile.effect.ts"
import { RunStore } from "../store/run-store.effect.ts"
import { checkSubmitInput } from "./input.effect.ts"
import { LaunchPreparation, launchWorker } from "./launch.effect.ts"

/** Fails when the working directory of the run does not exist. */
const checkWorkingDirectory = Effect.gen(function* () {
  const { cwd } = yield* Settings
  const info = yield* Effect.option((yield* FileSystem.FileSystem).stat(cwd))
  if (info._tag === "Some" && info.value.type === "Directory") return
  return yield* new UsageError({
    message: `cwd: ${cwd} ${info._tag === "None" ? "does not exist" : "is not a directory"}`,
    hint: "pass an existing directory; the program and its agents run in it",
  })
})

/** Checks and freezes a run, and writes nothing. */
export const prepareRun = Effect.fn("Engine.prepare")(function* (given: SubmitInput) {
  const input = yield* checkSubmitInput(given)
  yield* checkWorkingDirectory
  const { cwd, parent } = yield* Settings
  const programPath = yield* findProgram(input.program)
  const loaded = yield* loadConfig()
  const depth = parent === undefined ? 0 : parent.depth + 1
  const { confirm = true, maxRunDepth = defaultMaxRunDepth } = loaded.config
  if (depth > maxRunDepth) {
    return yield* new UsageError({
      message: `nested run refused: depth ${depth} exceeds maxRunDepth ${maxRunDepth}`,
      hint: "raise maxRunDepth in mill.config.ts to allow it",
    })
  }
  const { because, ...driver } = yield* chooseDriver(loaded.config, input.driver).pipe(nameFile(loaded))
  const executor = yield* chooseExecutor(loaded.config, input.executor).pipe(nameFile(loaded))
  const invocation: PreparedRun["invocation"] = {
    cwd,
    args: input.args ?? [],
    metadata: input.metadata ?? {},
    depth,
    parentRunId: parent?.runId,
    parentSpawnId: parent?.spawnId,
  }
  const compiled = yield* compilePlan(programPath, loaded, driver, executor)
  yield* checkSandbox(compiled.plan)
  return { ...compiled, invocation, confirm, because } satisfies PreparedRun
})

export const startRun = Effect.fn("Engine.start")(function* (
  prepared: PreparedRun,
  options: AttendOptions = {},
) {
  const store = yield* RunStore
  const fs = yield* FileSystem.FileSystem
  yield* checkWorkingDirectory
  yield* yield* LaunchPreparation
  const runId = makeRunId(yield* (yield* SecureRandom.SecureRandom).ulid)
  const plan = { ...prepared.plan, invocation: { runId, ...prepared.invocation } }
  const paths = yield* store.create(plan, prepared.program, prepared.contents)
  const removeRun = Effect.ignore(fs.remove(paths.runDir, { recursive: true, force: true }))
  // An interruption halfway would leave a run without a worker, or a worker without its run.
  yield* launchWorker(runId, paths, options).pipe(
    Effect.onError(() => removeRun),
    Effect.uninterruptible,
  )
  const [config] = plan.config
  return defined({
    runId,
    status: "running",
    paths,
    configPath: config === undefined || config.generated === true ? undefined : config.path,
  }) satisfies SubmittedRun
})
