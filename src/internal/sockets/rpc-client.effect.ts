/** Makes remote calls over a socket, one message per line. */
import { Effect, Layer } from "effect"
import { type Rpc, RpcClient, type RpcGroup, RpcSerialization } from "effect/rpc"
import { Socket } from "effect/socket"

/** Makes a client of a group. Its first call makes the connection, and the scope closes it. */
export const makeRpcClient = Effect.fnUntraced(function* <Rpcs extends Rpc.Any>(
  group: RpcGroup.RpcGroup<Rpcs>,
  socket: Socket.Socket,
) {
  const protocol = RpcClient.layerProtocolSocket({ retryTransientErrors: false }).pipe(
    Layer.provide([Layer.succeed(Socket.Socket, socket), RpcSerialization.layerNdjson]),
  )
  const context = yield* Layer.build(protocol)
  return yield* Effect.provideContext(RpcClient.make(group, { disableTracing: true }), context)
})
