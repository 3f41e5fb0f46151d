/** Any process's side of a run's control socket. */
import { Data, Effect, Layer } from "effect"
import { RpcClient } from "effect/rpc"
import { Socket } from "effect/socket"
import type { RunId } from "../../domain/ids.schema.ts"
import { Settings } from "../config/settings.effect.ts"
import { Sockets } from "../process/sockets.effect.ts"
import { ControlRpcs, controlSocket, serialization } from "./control-protocol.effect.ts"

/** Nobody answers at the run's control socket. */
export class NoWorker extends Data.TaggedError("NoWorker")<{ readonly runId: RunId }> {}

/** Talks to the worker of a live run for as long as the scope lives. */
export const connectControl = Effect.fn("Control.connect")(function* (runId: RunId) {
  const { socketDir } = yield* Settings
  const sockets = yield* Sockets
  const noWorker = new NoWorker({ runId })
  const socket = yield* Effect.mapError(sockets.connect(controlSocket(socketDir, runId)), () => noWorker)
  const layer = RpcClient.layerProtocolSocket({ retryTransientErrors: false }).pipe(
    Layer.provide(Layer.succeed(Socket.Socket, socket)),
    Layer.provide(serialization),
  )
  const context = yield* Layer.build(layer)
  return yield* Effect.provideContext(RpcClient.make(ControlRpcs, { disableTracing: true }), context)
})
