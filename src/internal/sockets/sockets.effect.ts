/** Unix sockets by path, as the platform gives them. */
import { Context, type Effect, type Scope } from "effect"
import type { Socket, SocketServer } from "effect/socket"

export class Sockets extends Context.Service<
  Sockets,
  {
    /** Listens at `path` (about 100 bytes at most) until the scope closes; the file is removed then. */
    readonly listen: (
      path: string,
    ) => Effect.Effect<SocketServer.SocketServer["Service"], SocketServer.SocketServerError, Scope.Scope>
    /** Connects to whoever listens at `path`. */
    readonly connect: (path: string) => Effect.Effect<Socket.Socket, Socket.SocketError, Scope.Scope>
  }
>()("mill/internal/Sockets") {}
