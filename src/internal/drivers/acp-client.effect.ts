/**
 * The client's end of a connection in the Agent Client Protocol. The runtime provides it, since it is the protocol's SDK,
 * which is loaded when a conversation begins.
 */
import { Context, Data, type Effect, type Scope } from "effect"
import type { AcpPermission } from "../../domain/acp.schema.ts"

/** The agent has refused a request, or the connection was closed before it answered. */
export class AcpRefused extends Data.TaggedError("AcpRefused")<{
  readonly method: string
  readonly message: string
}> {}

export type AcpConnection = {
  /** Sends a request and waits for what the agent answers. */
  readonly request: (method: string, params: object) => Effect.Effect<unknown, AcpRefused>
  readonly notify: (method: string, params: object) => Effect.Effect<void>
  /** Takes a message of the agent's: an answer, or a request. */
  readonly receive: (message: object) => void
}

export class AcpClient extends Context.Service<
  AcpClient,
  {
    /** A connection that closes with the scope. `send` takes messages, each to be written as a line of JSON. */
    readonly connect: (options: {
      readonly send: (message: object) => void
      readonly permission: (request: unknown) => AcpPermission
    }) => Effect.Effect<AcpConnection, never, Scope.Scope>
  }
>()("mill/internal/AcpClient") {}
