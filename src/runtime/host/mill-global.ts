/** The global `mill` of a program. */
import type { Plan } from "../../domain/plan.schema.ts"
import { setCallerStack } from "./caller-stack.ts"
import { makeExtensionFunction } from "./extension-function.ts"
import { type RpcClient, RpcFailure } from "./rpc-client.ts"

/** A failed spawn. `cause` names the reason; `result` holds the parts of the result that are known. */
class MillSpawnError extends Error {
  override readonly name = "MillSpawnError"
  declare readonly spawnId?: string
  declare readonly result?: unknown
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null

/** Reads the fields of the failure in an answer: the worker's RPC sends a cause as a list of reasons. */
const readFailure = ({ error }: RpcFailure): Record<string, unknown> => {
  const reasons: unknown = error.data
  const reason: unknown = Array.isArray(reasons)
    ? reasons.find((entry) => isRecord(entry) && entry["_tag"] === "Fail")
    : undefined
  return isRecord(reason) && isRecord(reason["error"]) ? reason["error"] : {}
}

const makeSpawnError = (caller: Error, message: string, fields: Record<string, unknown>): MillSpawnError => {
  const { cause, result, spawnId } = fields
  const error = setCallerStack(new MillSpawnError(message, { cause }), caller)
  // A program may print the error: it shows the fields that it has.
  return Object.assign(
    error,
    spawnId === undefined ? {} : { spawnId },
    result === undefined ? {} : { result },
  )
}

/** Explains why an input cannot be sent at all. The worker checks everything else. */
const findInputProblem = (input: unknown): string | undefined => {
  try {
    return JSON.stringify(input) === undefined ? `expected an object, got ${typeof input}` : undefined
  } catch (error) {
    return `the input is not JSON: ${error instanceof Error ? error.message : String(error)}`
  }
}

/** Replaces functions and symbols, which JSON would drop silently, so that the worker refuses their fields. */
const keepFields = (input: unknown): unknown =>
  isRecord(input) && !Array.isArray(input) && typeof input["toJSON"] !== "function"
    ? Object.fromEntries(
        Object.entries(input).map(([name, value]) => [
          name,
          typeof value === "function" || typeof value === "symbol" ? {} : value,
        ]),
      )
    : input

/** Freezes an object and names it for texts. An extension's function `toString` would return a promise there. */
const freezeNamed = <A extends object>(name: string, members: A): Readonly<A> =>
  Object.freeze(Object.defineProperty(members, Symbol.toPrimitive, { value: () => `[object ${name}]` }))

export const makeMillGlobal = (client: RpcClient, { extensions, invocation }: Plan) => {
  const spawn = async (input: unknown): Promise<unknown> => {
    // Taken before the call, so that the stack shows the program's own line.
    const caller = new Error()
    const problem = findInputProblem(input)
    if (problem !== undefined)
      throw makeSpawnError(caller, `mill.spawn: ${problem}`, { cause: "invalid-input" })
    try {
      return await client.call("spawn", { input: keepFields(input) })
    } catch (error) {
      if (!(error instanceof RpcFailure)) throw error
      throw makeSpawnError(caller, error.message, readFailure(error))
    }
  }
  const contributed = extensions.map(({ api, name }) => {
    const functions = api.map((method) => [method, makeExtensionFunction(client, name, method)])
    return [name, freezeNamed(`mill.${name}`, Object.fromEntries(functions))]
  })
  return freezeNamed("mill", {
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
