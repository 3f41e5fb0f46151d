/** The client side of a run's control socket, for any process. */
import { Data, Effect } from "effect"
import type { RunId } from "../../domain/ids.schema.ts"
import { Settings } from "../config/settings.effect.ts"
import { readRegular } from "../files/regular-files.effect.ts"
import { Sockets } from "../sockets/sockets.effect.ts"
import { controlFile, runPaths } from "../store/run-paths.ts"
import { ControlRpcs } from "./control-protocol.effect.ts"
import { makeRpcClient } from "../sockets/rpc-client.effect.ts"
import { controlSocket } from "../sockets/socket-paths.ts"

/** How long a live worker may take to answer. */
const answerPatience = "500 millis"

/** The longest path of a file on Linux. */
const maxPathBytes = 4096

/** No worker answers on the run's control socket. */
export class NoWorker extends Data.TaggedError("NoWorker")<{ readonly runId: RunId }> {}

/** Connects to the worker of a live run until the scope closes. Fails when no worker answers. */
export const connectControl = Effect.fn("Control.connect")(function* (runId: RunId) {
  const { runsDir, socketDir } = yield* Settings
  const sockets = yield* Sockets
  const noWorker = new NoWorker({ runId })
  const file = controlFile(runPaths(runsDir, runId))
  const recorded = yield* Effect.orElseSucceed(readRegular(file, maxPathBytes), () => undefined)
  const path = recorded ?? controlSocket(socketDir, runId)
  const socket = yield* Effect.mapError(sockets.connect(path), () => noWorker)
  const client = yield* makeRpcClient(ControlRpcs, socket)
  yield* Effect.mapError(client.ping(), () => noWorker)
  return client
})

export const pingWorker = (runId: RunId) =>
  connectControl(runId).pipe(Effect.scoped, Effect.timeout(answerPatience), Effect.isSuccess)
