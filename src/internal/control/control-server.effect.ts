/** The worker's side of the control socket, for as long as the scope lives. */
import { Effect, FileSystem, Layer } from "effect"
import { RpcServer } from "effect/rpc"
import { SocketServer } from "effect/socket"
import { LaunchError } from "../../domain/error.schema.ts"
import type { RunId } from "../../domain/ids.schema.ts"
import { Settings } from "../config/settings.effect.ts"
import { Sockets } from "../process/sockets.effect.ts"
import { directoryMode, storeError } from "../store/files.effect.ts"
import { ControlRpcs, controlSocket, serialization } from "./control-protocol.effect.ts"
import { IoHub } from "./io-hub.effect.ts"

/** What the run does when it is asked to end. */
export type ControlHandlers = { readonly cancel: (reason: string | undefined) => Effect.Effect<void> }

/** Serves the run that this process owns. A socket that an earlier owner left is replaced. */
export const serveControl = Effect.fn("Control.serve")(function* (runId: RunId, handlers: ControlHandlers) {
  const { socketDir } = yield* Settings
  const fs = yield* FileSystem.FileSystem
  const sockets = yield* Sockets
  const hub = yield* IoHub
  const path = controlSocket(socketDir, runId)
  yield* fs
    .makeDirectory(socketDir, { recursive: true, mode: directoryMode })
    .pipe(Effect.mapError(storeError(socketDir, "create")))
  yield* Effect.ignore(fs.remove(path, { force: true }))
  const server = yield* sockets
    .listen(path)
    .pipe(
      Effect.mapError((error) => new LaunchError({ message: `cannot listen at ${path}: ${error.message}` })),
    )
  const layer = RpcServer.layer(ControlRpcs, { disableTracing: true, disableFatalDefects: true }).pipe(
    Layer.provide(
      ControlRpcs.toLayer({ cancel: ({ reason }) => handlers.cancel(reason), io: () => hub.listen }),
    ),
    Layer.provide(RpcServer.layerProtocolSocketServer),
    Layer.provide(Layer.succeed(SocketServer.SocketServer, server)),
    Layer.provide(serialization),
  )
  yield* Layer.build(layer)
})
