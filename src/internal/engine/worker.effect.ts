/** What a worker does with the run that it was started for. */
import { Deferred, Duration, Effect, Fiber, FileSystem } from "effect"
import type { StoreError } from "../../domain/error.schema.ts"
import type { RunId } from "../../domain/ids.schema.ts"
import { Settings } from "../config/settings.effect.ts"
import { serveControl } from "../control/control-server.effect.ts"
import { makeExtensions } from "../extensions/extensions.effect.ts"
import { endMarkedProcesses } from "../process/process-tree.effect.ts"
import { fileMode } from "../files/files.effect.ts"
import { takeOwnership } from "../store/owner-lock.effect.ts"
import { reserveFile } from "../store/run-paths.ts"
import { RunStore } from "../store/run-store.effect.ts"
import { cancelChildren } from "./cancel.effect.ts"
import { type CancelRequest, type Cancellation, carryOutRun } from "./run.effect.ts"
import { settleRun } from "./settle.effect.ts"

/** Space that is kept on the disk, so that a run can still say that there was none: bytes. */
const reserveBytes = 64 * 1024

/**
 * Owns the run `runId` and carries it out. Fails when another worker owns it. Interrupting it cancels the run, and
 * waits until that is done.
 */
export const workOn = Effect.fn("Worker.work")(function* (runId: RunId) {
  const { pid } = yield* Settings
  const store = yield* RunStore
  const fs = yield* FileSystem.FileSystem
  const paths = store.paths(runId)
  yield* takeOwnership(runId, paths.runDir, pid)
  const plan = yield* store.plan(runId)
  const reserve = reserveFile(paths)
  yield* Effect.ignore(fs.writeFile(reserve, new Uint8Array(reserveBytes), { mode: fileMode }))
  const release = Effect.ignore(fs.remove(reserve, { force: true }))

  const cancellation: Cancellation = yield* Deferred.make<CancelRequest>()
  yield* serveControl(runId, {
    cancel: (reason) => Effect.asVoid(Deferred.succeed(cancellation, reason === undefined ? {} : { reason })),
  })
  const { cwd, metadata } = plan.invocation
  const { programPath } = plan
  // Ends before the scope's other parts, when the run has ended: this process owns the run as long as it works for it.
  const extensions = yield* makeExtensions({ runId, runDir: paths.runDir, programPath, cwd, metadata })
  /** The log does not take the run any more: say so with the space that was kept for it. */
  const outOfStorage = Effect.fnUntraced(function* ({ message }: StoreError) {
    yield* Effect.logError(message)
    yield* release
    yield* endMarkedProcesses(runId, pid, Duration.seconds(plan.limits.cancelGrace))
    const settlement = { type: "run:failed", payload: { message, cause: "storage" } } as const
    return yield* settleRun(plan, settlement, extensions.listener)
  })
  const running = yield* carryOutRun(plan, cancellation, extensions).pipe(
    Effect.catchTag("StoreError", outOfStorage),
    Effect.ensuring(release),
    Effect.uninterruptible,
    Effect.forkDetach,
  )
  const record = yield* Fiber.join(running).pipe(
    Effect.onInterrupt(() =>
      Effect.andThen(Deferred.succeed(cancellation, { reason: "worker terminated" }), Fiber.await(running)),
    ),
  )
  // Whatever ended it: what was started inside a cancelled run is cancelled with it.
  if (record.status === "cancelled") yield* cancelChildren(runId)
  yield* Effect.logInfo(record.summaryHuman)
}, Effect.scoped)
