/** The functions that extensions give to a program: calls of the worker, which takes and gives JSON. */
import { findJsonProblem } from "../../domain/json-problem.ts"
import type { ExtensionAnswer } from "../../domain/host-protocol.schema.ts"
import { type RpcClient, RpcFailure } from "./rpc-client.ts"

/** A call that failed: its message is the function's own. */
class MillExtensionError extends Error {
  override readonly name = "MillExtensionError"
  readonly extension: string
  readonly function: string
  constructor(message: string, extension: string, functionName: string) {
    super(message)
    this.extension = extension
    this.function = functionName
  }
}

/** Why arguments cannot be sent. Those that are left out at the end may also be given as undefined. */
const argumentsProblem = (args: ReadonlyArray<unknown>): string | undefined => {
  for (const [index, argument] of args.entries()) {
    const problem = argument === undefined ? "it is undefined" : findJsonProblem(argument)
    if (problem !== undefined) return `argument ${index + 1} is not JSON: ${problem}`
  }
  return undefined
}

const withoutTrailingUndefined = (args: ReadonlyArray<unknown>): ReadonlyArray<unknown> =>
  args.slice(0, args.findLastIndex((argument) => argument !== undefined) + 1)

/** The function `name` of an extension's, as the program has it. */
export const extensionFunction = (client: RpcClient, extension: string, name: string) => {
  const call = async (...given: ReadonlyArray<unknown>): Promise<unknown> => {
    // Taken now, so that the error shows where the program asked.
    const at = new Error()
    const failure = (message: string) => {
      const error = new MillExtensionError(message, extension, name)
      // The first frame is mill's own.
      const frames = (at.stack ?? "").split("\n").slice(2)
      error.stack = [`MillExtensionError: ${message}`, ...frames].join("\n")
      return error
    }
    const args = withoutTrailingUndefined(given)
    const problem = argumentsProblem(args)
    if (problem !== undefined) throw failure(`mill.${extension}.${name}: ${problem}`)
    try {
      const answer = (await client.call("call", { extension, function: name, args })) as ExtensionAnswer
      return answer.json === undefined ? undefined : JSON.parse(answer.json)
    } catch (error) {
      throw error instanceof RpcFailure ? failure(error.message) : error
    }
  }
  return call
}
