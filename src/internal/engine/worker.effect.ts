/** The work of a worker process: owns one run and carries it out. */
import { Deferred, Duration, Effect, Exit, Fiber, FileSystem, Scope } from "effect"
import type { AttendOptions } from "../../domain/engine.schema.ts"
import type { StoreError } from "../../domain/error.schema.ts"
import type { RunId } from "../../domain/ids.schema.ts"
import { toRunFacts } from "../../domain/run-summary.ts"
import { Settings } from "../config/settings.effect.ts"
import { serveControl } from "../control/control-server.effect.ts"
import { IoHub } from "../control/io-hub.effect.ts"
import { makeExtensions } from "../extensions/extensions.effect.ts"
import { Processes } from "../process/processes.effect.ts"
import { fileMode } from "../files/files.effect.ts"
import { takeOwnership } from "../store/owner-lock.effect.ts"
import { RunStore } from "../store/run-store.effect.ts"
import { cancelChildren } from "./cancel.effect.ts"
import { type CancelRequest, type CancelSignal, carryOutRun } from "./run.effect.ts"
import { settleRun } from "./settle.effect.ts"

/** Bytes of disk space held back, so that a run can still record that the disk was full. */
const reserveBytes = 64 * 1024

/**
 * Takes ownership of the run and carries it out. Fails when another worker owns it. Interruption cancels the run and
 * waits until it has ended.
 */
export const workOn = Effect.fn("Worker.work")(function* (runId: RunId, { attended }: AttendOptions = {}) {
  const { pid } = yield* Settings
  const processes = yield* Processes
  const store = yield* RunStore
  const fs = yield* FileSystem.FileSystem
  const paths = store.paths(runId)
  yield* takeOwnership(runId, paths.runDir, pid)
  const plan = yield* store.plan(runId)
  const reserve = `${paths.runDir}/reserve`
  yield* Effect.ignore(fs.writeFile(reserve, new Uint8Array(reserveBytes), { mode: fileMode }))
  const release = Effect.ignore(fs.remove(reserve, { force: true }))

  if (attended === true) yield* (yield* IoHub).expectReader
  const cancelSignal: CancelSignal = yield* Deferred.make<CancelRequest>()
  const serving = yield* Scope.fork(yield* Effect.scope)
  yield* serveControl(runId, (reason) => Effect.asVoid(Deferred.succeed(cancelSignal, { reason }))).pipe(
    Scope.provide(serving),
  )
  const { cwd, metadata } = plan.invocation
  const { programPath } = plan
  // This process owns the run for as long as its extensions work, but it stops serving when the run has ended.
  const extensions = yield* makeExtensions({ runId, runDir: paths.runDir, programPath, cwd, metadata })
  /** Ends a run whose log can no longer be written, using the disk space that was held back. */
  const failForStorage = Effect.fnUntraced(function* ({ message }: StoreError) {
    yield* Effect.logError(message)
    yield* release
    yield* processes.endMarked(runId, Duration.seconds(plan.limits.cancelGrace))
    const settlement = { type: "run:failed", payload: { message, cause: "storage" } } as const
    return yield* settleRun(toRunFacts(plan), settlement, extensions.listener)
  })
  const running = yield* carryOutRun(plan, cancelSignal, extensions).pipe(
    Effect.catchTag("StoreError", failForStorage),
    Effect.ensuring(release),
    Effect.uninterruptible,
    Effect.forkDetach,
  )
  const record = yield* Fiber.join(running).pipe(
    Effect.onInterrupt(() =>
      Effect.andThen(
        Deferred.succeed(cancelSignal, { reason: "the worker was terminated" }),
        Fiber.await(running),
      ),
    ),
    Effect.onExit(() => Scope.close(serving, Exit.void)),
  )
  // Runs inside a cancelled run are cancelled too, whatever cancelled it.
  const left = record.status === "cancelled" ? yield* cancelChildren(runId) : []
  for (const { pid, reason } of left) yield* Effect.logWarning(`process ${pid} of a nested run ${reason}`)
  yield* Effect.logInfo(record.summaryHuman)
}, Effect.scoped)
