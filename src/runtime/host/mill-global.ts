/** The global `mill` of a program. */
import type { Plan } from "../../domain/plan.schema.ts"
import { extensionFunction } from "./extension-function.ts"
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
  // The first frame is mill's own. (`Error.captureStackTrace` leaves none here, under Bun 1.4.5.)
  const frames = (at.stack ?? "").split("\n").slice(2)
  error.stack = [`MillSpawnError: ${message}`, ...frames].join("\n")
  const { result, spawnId } = fields
  return Object.assign(
    error,
    spawnId === undefined ? {} : { spawnId },
    result === undefined ? {} : { result },
  )
}

/** Why an input cannot be sent at all; what is wrong with it otherwise is for the worker to say. */
const inputProblem = (input: unknown): string | undefined => {
  try {
    return JSON.stringify(input) === undefined ? `it takes an object; it got ${typeof input}` : undefined
  } catch (error) {
    return `the input is not JSON: ${error instanceof Error ? error.message : String(error)}`
  }
}

/** What an object says in a text, also where an extension has a function `toString`: that would give a promise. */
const called = <A extends object>(name: string, members: A): Readonly<A> =>
  Object.freeze(Object.defineProperty(members, Symbol.toPrimitive, { value: () => `[object ${name}]` }))

/** Makes the global of one program. */
export const millGlobal = (client: RpcClient, { extensions, invocation }: Plan) => {
  const spawn = async (input: unknown): Promise<unknown> => {
    // Taken now, so that the error shows where the program asked.
    const at = new Error()
    const problem = inputProblem(input)
    if (problem !== undefined) throw spawnError(at, `mill.spawn: ${problem}`, { cause: "invalid-input" })
    try {
      return await client.call("spawn", { input })
    } catch (error) {
      if (!(error instanceof RpcFailure)) throw error
      throw spawnError(at, error.message, fieldsOf(error))
    }
  }
  const contributed = extensions.map(({ api, name }) => {
    const functions = api.map((functionName) => [functionName, extensionFunction(client, name, functionName)])
    return [name, called(`mill.${name}`, Object.fromEntries(functions))]
  })
  return called("mill", {
    ...Object.fromEntries(contributed),
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
