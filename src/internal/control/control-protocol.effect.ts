/**
 * The calls that a live run's worker answers on its control socket: Effect's RPC, one message per line. An accepted
 * connection proves that the worker lives, since the kernel closes the socket with the process. A caller that only waits
 * for the end of the run sends nothing.
 */
import { Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { IoItem } from "../../domain/engine.schema.ts"

export const ControlRpcs = RpcGroup.make(
  /** Succeeds while the worker lives. */
  Rpc.make("ping"),
  /** Requests the end of the run and returns at once. The end itself is in the event log. */
  Rpc.make("cancel", { payload: { reason: Schema.optional(Schema.String) } }),
  /** The lines that the program and its agents print from now on. */
  Rpc.make("io", { success: IoItem, stream: true }),
  /** The lines that the program prints, from the first one, for the command that started the run, many at once. */
  Rpc.make("program", { success: Schema.Array(IoItem), stream: true }),
)
