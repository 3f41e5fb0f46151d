/**
 * The worker's side of the host protocol: Effect's RPC server with JSON-RPC 2.0 on a Unix socket. Each call runs in its
 * own fiber, so no spawn waits for another.
 */
import { Deferred, Effect, Schema } from "effect"
import { Rpc, RpcGroup, RpcSerialization } from "effect/rpc"
import { SocketServer } from "effect/socket"
import {
  ExtensionAnswer,
  ExtensionCall,
  ExtensionCallFailure,
  ProgramEnd,
  SpawnFailure,
} from "../../domain/host-protocol.schema.ts"
import { SpawnResult } from "../../domain/spawn.schema.ts"
import { serveRpcs } from "../sockets/rpc-server.effect.ts"
import { Sockets } from "../sockets/sockets.effect.ts"
import { makeLineBound } from "./bounded-messages.effect.ts"

const HostRpcs = RpcGroup.make(
  Rpc.make("spawn", { payload: { input: Schema.Unknown }, success: SpawnResult, error: SpawnFailure }),
  Rpc.make("call", { payload: ExtensionCall, success: ExtensionAnswer, error: ExtensionCallFailure }),
  Rpc.make("log", { payload: { message: Schema.String } }),
  Rpc.make("end", { payload: { end: ProgramEnd } }),
)

/** What the program can ask of the engine. */
export type HostHandlers = {
  readonly spawn: (input: unknown) => Effect.Effect<SpawnResult, SpawnFailure>
  /** Calls a function of an extension. */
  readonly call: (call: ExtensionCall) => Effect.Effect<ExtensionAnswer, ExtensionCallFailure>
  readonly log: (message: string) => Effect.Effect<void>
  readonly end: (end: ProgramEnd) => Effect.Effect<void>
}

/**
 * Serves the host that connects to `socketPath` until the scope closes. `connected` returns whether the host has
 * connected, `hungUp` waits until it has disconnected and its messages have been read, and `tooLong` waits for a message
 * above the limit.
 */
export const serveHost = Effect.fnUntraced(function* (socketPath: string, handlers: HostHandlers) {
  const sockets = yield* Sockets
  const listening = yield* sockets.listen(socketPath)
  const hungUp = yield* Deferred.make<void>()
  const tooLong = yield* Deferred.make<void>()
  const boundLines = makeLineBound(Deferred.succeed(tooLong, undefined))
  let connected = false
  const server = SocketServer.SocketServer.of({
    address: listening.address,
    run: (handler) =>
      listening.run((socket) => {
        connected = true
        return handler(boundLines(socket)).pipe(Effect.ensuring(Deferred.succeed(hungUp, undefined)))
      }),
  })
  const layer = HostRpcs.toLayer({
    spawn: ({ input }) => handlers.spawn(input),
    call: (call) => handlers.call(call),
    log: ({ message }) => handlers.log(message),
    end: ({ end }) => handlers.end(end),
  })
  // `boundLines` bounds the buffer.
  const json = RpcSerialization.layerNdJsonRpc({ controlMessages: false, maxBufferSize: "unbounded" })
  yield* serveRpcs(HostRpcs, layer, server, json)
  return {
    hungUp: Deferred.await(hungUp),
    tooLong: Deferred.await(tooLong),
    connected: Effect.sync(() => connected),
  }
})
