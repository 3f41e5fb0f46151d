/** The protocol between the process of a test's agent and the test: Effect's RPC over a private Unix socket. */
import { Rpc, RpcGroup } from "effect/rpc"
import { JsonlSpawn } from "../../codecs/jsonl.codec.ts"
import { ScriptedStep } from "../../domain/scripted-agent.schema.ts"

export const ScriptedRpcs = RpcGroup.make(
  Rpc.make("spawn", { payload: JsonlSpawn.fields, success: ScriptedStep, stream: true }),
)
