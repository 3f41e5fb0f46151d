/**
 * The client side of a connection in the Agent Client Protocol. The runtime implements it with the protocol's SDK, which
 * is loaded when a conversation begins.
 */
import { Context, Data, type Effect, type Scope } from "effect"
import type { AcpPermission } from "../../domain/acp.schema.ts"

/** The agent refused a request, or the connection closed before the answer. */
export class AcpRefused extends Data.TaggedError("AcpRefused")<{
  readonly method: string
  readonly message: string
}> {}

export type AcpConnection = {
  /** Sends a request and waits for the agent's answer. */
  readonly request: (method: string, params: object) => Effect.Effect<unknown, AcpRefused>
  readonly notify: (method: string, params: object) => Effect.Effect<void>
  /** Handles a message from the agent: an answer or a request. */
  readonly receive: (message: object) => void
}

export class AcpClient extends Context.Service<
  AcpClient,
  {
    /** Opens a connection that closes with the scope. `send` gets each message, to be written as a line of JSON. */
    readonly connect: (options: {
      readonly send: (message: object) => void
      readonly permission: (request: unknown) => AcpPermission
    }) => Effect.Effect<AcpConnection, never, Scope.Scope>
  }
>()("mill/internal/AcpClient") {}
