/** The global `mill` of a program. */
import type { Invocation } from "../../domain/plan.schema.ts"
import { type RpcClient, RpcFailure } from "./rpc-client.ts"

/** A spawn that failed. `cause` says why; `result` is what is known of it all the same. */
class MillSpawnError extends Error {
  override readonly name = "MillSpawnError"
  declare readonly spawnId?: string
  declare readonly result?: unknown
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null

/** The fields of the failure that an answer carries: the worker's RPC sends the cause as a list of reasons. */
const fieldsOf = (failure: RpcFailure): Record<string, unknown> => {
  const reasons: unknown = failure.error.data
  const reason: unknown = Array.isArray(reasons)
    ? reasons.find((one) => isRecord(one) && one["_tag"] === "Fail")
    : undefined
  return isRecord(reason) && isRecord(reason["error"]) ? reason["error"] : {}
}

const spawnError = (at: Error, message: string, fields: Record<string, unknown>): MillSpawnError => {
  const error = new MillSpawnError(message, { cause: fields["cause"] })
  const frames = (at.stack ?? "").split("\n").slice(1)
  error.stack = [`MillSpawnError: ${message}`, ...frames].join("\n")
  const { result, spawnId } = fields
  return Object.assign(
    error,
    spawnId === undefined ? {} : { spawnId },
    result === undefined ? {} : { result },
  )
}

/** Makes the global of one program. */
export const millGlobal = (client: RpcClient, invocation: Invocation) => {
  const spawn = async (input: unknown): Promise<unknown> => {
    // Taken now, so that the error shows where the program asked.
    const at = new Error()
    Error.captureStackTrace(at, spawn)
    try {
      JSON.stringify(input)
    } catch (error) {
      const message = `mill.spawn: the input is not JSON: ${error instanceof Error ? error.message : String(error)}`
      throw spawnError(at, message, { cause: "invalid-input" })
    }
    try {
      return await client.call("spawn", { input: input ?? null })
    } catch (error) {
      if (!(error instanceof RpcFailure)) throw error
      throw spawnError(at, error.message, fieldsOf(error))
    }
  }
  return Object.freeze({
    spawn,
    args: Object.freeze([...invocation.args]),
    run: Object.freeze({
      id: invocation.runId,
      cwd: invocation.cwd,
      metadata: Object.freeze({ ...invocation.metadata }),
    }),
    log: (message: unknown): void =>
      client.notify("log", { message: typeof message === "string" ? message : Bun.inspect(message) }),
  })
}
