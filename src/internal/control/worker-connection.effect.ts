/**
 * Connections to a run's worker that carry no messages. The worker closes them when its run has ended, and the kernel closes
 * them when the worker dies, so no command misses the end.
 */
import { Data, Effect } from "effect"
import type { RunId } from "../../domain/ids.schema.ts"
import { Settings } from "../config/settings.effect.ts"
import { readRegular } from "../files/regular-files.effect.ts"
import { controlSocket } from "../sockets/socket-paths.ts"
import { Sockets } from "../sockets/sockets.effect.ts"
import { controlFile, runPaths } from "../store/run-paths.ts"

/** How long to wait for a connection. The kernel accepts it even if the worker is stopped. */
const connectPatience = "500 millis"

/** The longest path of a file on Linux. */
const maxPathBytes = 4096

/** No worker listens on the run's control socket. */
export class NoWorker extends Data.TaggedError("NoWorker")<{ readonly runId: RunId }> {}

/** Finds the control socket of the run's worker, which need not exist. */
export const findSocket = Effect.fnUntraced(function* (runId: RunId) {
  const { runsDir, socketDir } = yield* Settings
  const file = controlFile(runPaths(runsDir, runId))
  const recorded = yield* Effect.orElseSucceed(readRegular(file, maxPathBytes), () => undefined)
  const path = recorded ?? controlSocket(socketDir, runId)
  return yield* Effect.mapError((yield* Sockets).connect(path), () => new NoWorker({ runId }))
})

/**
 * Connects to the run's worker until the scope closes. Returns an effect that completes when the worker has closed the
 * connection: its run has ended, or the worker has died. Fails if no worker listens.
 */
export const connectWorker = Effect.fn("Control.connectWorker")(function* (runId: RunId) {
  const socket = yield* findSocket(runId)
  const { pull } = yield* socket.reader.pipe(
    Effect.timeout(connectPatience),
    Effect.mapError(() => new NoWorker({ runId })),
  )
  return { closed: Effect.ignore(Effect.forever(pull)) }
})

/** Whether a worker listens on the run's control socket. */
export const hasWorker = (runId: RunId) => Effect.isSuccess(Effect.scoped(connectWorker(runId)))
