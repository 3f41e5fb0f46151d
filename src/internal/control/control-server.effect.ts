/** The worker's side of the control socket. */
import { Deferred, Effect, Stream } from "effect"
import { Socket, SocketServer } from "effect/socket"
import { LaunchError } from "../../domain/error.schema.ts"
import type { RunId } from "../../domain/ids.schema.ts"
import { Settings } from "../config/settings.effect.ts"
import { serveRpcs } from "../sockets/rpc-server.effect.ts"
import { clearSocketPlace } from "../sockets/socket-place.effect.ts"
import { Sockets } from "../sockets/sockets.effect.ts"
import { writeAtomically } from "../files/files.effect.ts"
import { controlFile, runPaths } from "../store/run-paths.ts"
import { ControlRpcs } from "./control-protocol.effect.ts"
import { controlSocket } from "../sockets/socket-paths.ts"
import { IoHub } from "./io-hub.effect.ts"

/** How long to wait for callers to read their last answers and lines. */
const patience = "1 second"

/** Runs the effect when the first bytes arrive from `socket`. */
const onFirstBytes = (socket: Socket.Socket, noted: Effect.Effect<void>) =>
  Socket.make({
    writer: socket.writer,
    reader: Effect.map(socket.reader, (reader) => {
      let isNoted = false
      const note = Effect.suspend(() => {
        if (isNoted) return Effect.void
        isNoted = true
        return noted
      })
      return { ...reader, pull: Effect.tap(reader.pull, note) }
    }),
  })

/**
 * Serves the run that this process owns until the scope closes. Replaces a socket that an earlier owner left. Listeners
 * get all printed lines before the end. Silent connections close at once, because their owners wait for the end of the run.
 */
export const serveControl = Effect.fn("Control.serve")(function* (
  runId: RunId,
  cancel: (reason: string | undefined) => Effect.Effect<void>,
) {
  const { runsDir, socketDir } = yield* Settings
  const sockets = yield* Sockets
  const hub = yield* IoHub
  const path = controlSocket(socketDir, runId)
  yield* clearSocketPlace(path)
  const server = yield* sockets
    .listen(path)
    .pipe(
      Effect.mapError((error) => new LaunchError({ message: `cannot listen on ${path}: ${error.message}` })),
    )
  // The environment of another terminal may lead to another socket directory.
  yield* writeAtomically(controlFile(runPaths(runsDir, runId)), path)
  const callers = new Set<Socket.Socket>()
  const allLeft = yield* Deferred.make<void>()
  let closing = false
  const leave = (socket: Socket.Socket) =>
    Effect.suspend(() =>
      callers.delete(socket) && closing && callers.size === 0
        ? Deferred.succeed(allLeft, undefined)
        : Effect.void,
    )
  const counted = SocketServer.SocketServer.of({
    address: server.address,
    run: (handler) =>
      server.run((socket) => {
        const call = Effect.sync(() => void callers.add(socket))
        return Effect.ensuring(handler(onFirstBytes(socket, call)), leave(socket))
      }),
  })
  const handlers = ControlRpcs.toLayer({
    ping: () => Effect.void,
    cancel: ({ reason }) => cancel(reason),
    io: () => hub.listen,
    program: () => Stream.chunks(hub.programLines),
  })
  yield* serveRpcs(ControlRpcs, handlers, counted)
  yield* Effect.addFinalizer(() =>
    Effect.gen(function* () {
      closing = true
      yield* hub.close
      if (callers.size > 0) yield* Effect.timeoutOption(Deferred.await(allLeft), patience)
    }),
  )
})
