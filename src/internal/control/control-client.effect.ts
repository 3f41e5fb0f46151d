/** The client side of a run's control socket, for any process. */
import { Effect } from "effect"
import type { RunId } from "../../domain/ids.schema.ts"
import { makeRpcClient } from "../sockets/rpc-client.effect.ts"
import { ControlRpcs } from "./control-protocol.effect.ts"
import { findSocket, NoWorker } from "./worker-connection.effect.ts"

/** Connects to the worker of a live run until the scope closes. Fails when no worker answers. */
export const connectControl = Effect.fn("Control.connect")(function* (runId: RunId) {
  const client = yield* makeRpcClient(ControlRpcs, yield* findSocket(runId))
  yield* Effect.mapError(client.ping(), () => new NoWorker({ runId }))
  return client
})
