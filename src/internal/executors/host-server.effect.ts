/**
 * The worker's side of the host protocol: Effect's RPC server with JSON-RPC 2.0 on a Unix socket. Every call runs in a
 * fiber of its own, so nothing waits for another spawn.
 */
import { Deferred, Effect, Layer, Schema } from "effect"
import { Rpc, RpcGroup, RpcSerialization, RpcServer } from "effect/rpc"
import { SocketServer } from "effect/socket"
import {
  ExtensionAnswer,
  ExtensionCall,
  ExtensionCallFailure,
  ProgramEnd,
  SpawnFailure,
} from "../../domain/host-protocol.schema.ts"
import { SpawnResult } from "../../domain/spawn.schema.ts"
import { Sockets } from "../sockets/sockets.effect.ts"
import { boundedMessages } from "./bounded-messages.effect.ts"

const HostRpcs = RpcGroup.make(
  Rpc.make("spawn", { payload: { input: Schema.Unknown }, success: SpawnResult, error: SpawnFailure }),
  Rpc.make("call", { payload: ExtensionCall, success: ExtensionAnswer, error: ExtensionCallFailure }),
  Rpc.make("log", { payload: { message: Schema.String } }),
  Rpc.make("end", { payload: { end: ProgramEnd } }),
)

/** What the engine does for the program. */
export type HostHandlers = {
  readonly spawn: (input: unknown) => Effect.Effect<SpawnResult, SpawnFailure>
  /** Calls a function of an extension's. */
  readonly call: (call: ExtensionCall) => Effect.Effect<ExtensionAnswer, ExtensionCallFailure>
  readonly log: (message: string) => Effect.Effect<void>
  readonly end: (end: ProgramEnd) => Effect.Effect<void>
}

/**
 * Serves the host that connects to `socketPath`, until the scope closes. What it gives waits until the host has hung
 * up and all that it had sent has been read; `connected` says whether it ever came, and
 * `tooLong` waits for a message that is too long to be read.
 */
export const serveHost = Effect.fnUntraced(function* (socketPath: string, handlers: HostHandlers) {
  const sockets = yield* Sockets
  const listening = yield* sockets.listen(socketPath)
  const hungUp = yield* Deferred.make<void>()
  const tooLong = yield* Deferred.make<void>()
  const bounded = boundedMessages(Deferred.succeed(tooLong, undefined))
  let connected = false
  const server = SocketServer.SocketServer.of({
    address: listening.address,
    run: (handler) =>
      listening.run((socket) => {
        connected = true
        return handler(bounded(socket)).pipe(Effect.ensuring(Deferred.succeed(hungUp, undefined)))
      }),
  })
  const layer = RpcServer.layer(HostRpcs, { disableTracing: true, disableFatalDefects: true }).pipe(
    Layer.provide(
      HostRpcs.toLayer({
        spawn: ({ input }) => handlers.spawn(input),
        call: (call) => handlers.call(call),
        log: ({ message }) => handlers.log(message),
        end: ({ end }) => handlers.end(end),
      }),
    ),
    Layer.provide(RpcServer.layerProtocolSocketServer),
    Layer.provide(Layer.succeed(SocketServer.SocketServer, server)),
    // What comes is bounded already.
    Layer.provide(RpcSerialization.layerNdJsonRpc({ controlMessages: false, maxBufferSize: "unbounded" })),
  )
  yield* Layer.build(layer)
  return {
    hungUp: Deferred.await(hungUp),
    tooLong: Deferred.await(tooLong),
    connected: Effect.sync(() => connected),
  }
})
