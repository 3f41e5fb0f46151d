/** Unix sockets by path. */
import { Context, type Effect, type Scope } from "effect"
import type { Socket, SocketServer } from "effect/socket"

export class Sockets extends Context.Service<
  Sockets,
  {
    /** Listens on `path` (at most about 100 bytes) until the scope closes, then removes the file. */
    readonly listen: (
      path: string,
    ) => Effect.Effect<SocketServer.SocketServer["Service"], SocketServer.SocketServerError, Scope.Scope>
    /** Connects to the server at `path`. */
    readonly connect: (path: string) => Effect.Effect<Socket.Socket, Socket.SocketError, Scope.Scope>
  }
>()("mill/internal/Sockets") {}
