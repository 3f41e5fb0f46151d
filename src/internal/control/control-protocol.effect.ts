/**
 * What a live run's worker can be asked, over its control socket: Effect's RPC, a message a line. That the socket
 * accepts a connection proves that the worker lives: the kernel closes it with the process.
 */
import { Schema } from "effect"
import { Rpc, RpcGroup, RpcSerialization } from "effect/rpc"
import { IoItem } from "../../domain/engine.schema.ts"

export const ControlRpcs = RpcGroup.make(
  /** Answered by whoever lives. */
  Rpc.make("ping"),
  /** Asks for the end of the run; answered at once, the end is in the event log. */
  Rpc.make("cancel", { payload: { reason: Schema.optional(Schema.String) } }),
  /** What the program and its agents print from now on. */
  Rpc.make("io", { success: IoItem, stream: true }),
)

export const serialization = RpcSerialization.layerNdjson
