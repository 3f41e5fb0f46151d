/**
 * Submits a run: everything that can be refused is refused before anything is left on the disk; then the run's folder
 * appears, whole, and its worker is started.
 */
import { Effect, FileSystem } from "effect"
import { SecureRandom } from "effect/crypto"
import { defaultMaxRunDepth } from "../../domain/config.schema.ts"
import type { PreparedRun, SubmitInput } from "../../domain/submission.schema.ts"
import { UsageError } from "../../domain/error.schema.ts"
import { makeRunId } from "../../domain/ids.schema.ts"
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

/** Fails when there is no folder for the run to work in. */
const checkWorkingDirectory = Effect.gen(function* () {
  const { cwd } = yield* Settings
  const info = yield* Effect.option((yield* FileSystem.FileSystem).stat(cwd))
  if (info._tag === "Some" && info.value.type === "Directory") return
  return yield* new UsageError({
    message: `cwd: ${cwd} ${info._tag === "None" ? "is not there" : "is no folder"}`,
    hint: "name a folder that is there, where the program and its agents are to work",
  })
})

/** Everything that submitting does before it leaves a trace. */
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
  const fs = yield* FileSystem.FileSystem
  yield* checkWorkingDirectory
  yield* yield* LaunchPreparation
  const runId = makeRunId(yield* (yield* SecureRandom.SecureRandom).ulid)
  const plan = { ...prepared.plan, invocation: { runId, ...prepared.invocation } }
  const paths = yield* store.create(plan, prepared.program, prepared.contents)
  const forget = Effect.ignore(fs.remove(paths.runDir, { recursive: true, force: true }))
  // Interrupted halfway, it would leave a run without a worker, or a worker without its run.
  yield* launchWorker(runId, paths).pipe(
    Effect.onError(() => forget),
    Effect.uninterruptible,
  )
  const [config] = plan.config
  return {
    runId,
    status: "running",
    paths,
    ...(config === undefined || config.generated === true ? {} : { configPath: config.path }),
  } satisfies SubmittedRun
})
