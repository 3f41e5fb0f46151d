/** Serves remote calls on a socket. */
import { Layer } from "effect"
import { type Rpc, type RpcGroup, RpcSerialization, RpcServer } from "effect/rpc"
import { SocketServer } from "effect/socket"

/** Serves the calls of a group on the connections of `server`, until the scope closes. */
export const serveRpcs = <Rpcs extends Rpc.Any>(
  group: RpcGroup.RpcGroup<Rpcs>,
  handlers: Layer.Layer<Rpc.ToHandler<Rpcs>>,
  server: SocketServer.SocketServer["Service"],
  serialization = RpcSerialization.layerNdjson,
) =>
  Layer.build(
    RpcServer.layer(group, { disableTracing: true, disableFatalDefects: true }).pipe(
      Layer.provide(handlers),
      Layer.provide(RpcServer.layerProtocolSocketServer),
      Layer.provide([Layer.succeed(SocketServer.SocketServer, server), serialization]),
    ),
  )
