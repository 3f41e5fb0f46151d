/** What the process of a test's agent asks the test: Effect's RPC over a private Unix socket. */
import { Rpc, RpcGroup, RpcSerialization } from "effect/rpc"
import { JsonlSpawn } from "../../codecs/jsonl.codec.ts"
import { ScriptedStep } from "../../domain/scripted-agent.schema.ts"

export const ScriptedRpcs = RpcGroup.make(
  /** What to do for a spawn, one step after the other. */
  Rpc.make("spawn", { payload: JsonlSpawn.fields, success: ScriptedStep, stream: true }),
)

export const serialization = RpcSerialization.layerNdjson
