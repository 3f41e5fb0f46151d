/** The functions that extensions add to a program: each calls the worker, with JSON in both directions. */
import { findJsonProblem } from "../../domain/json-problem.ts"
import type { ExtensionAnswer } from "../../domain/host-protocol.schema.ts"
import { setCallerStack } from "./caller-stack.ts"
import { type RpcClient, RpcFailure } from "./rpc-client.ts"

/** A failed call, with the message of the error that the function threw. */
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

/** Why the arguments cannot be sent. */
const findArgumentsProblem = (args: ReadonlyArray<unknown>): string | undefined => {
  for (const [index, argument] of args.entries()) {
    const problem = argument === undefined ? "it is undefined" : findJsonProblem(argument)
    if (problem !== undefined) return `argument ${index + 1} is not JSON: ${problem}`
  }
  return undefined
}

/** Optional arguments at the end may also be passed as undefined. */
const dropTrailingUndefined = (args: ReadonlyArray<unknown>): ReadonlyArray<unknown> =>
  args.slice(0, args.findLastIndex((argument) => argument !== undefined) + 1)

/** Makes the function `name` of an extension for the program. */
export const makeExtensionFunction =
  (client: RpcClient, extension: string, name: string) =>
  async (...given: ReadonlyArray<unknown>): Promise<unknown> => {
    // Taken before the call, so that the stack shows the program's own line.
    const caller = new Error()
    const makeError = (message: string) =>
      setCallerStack(new MillExtensionError(message, extension, name), caller)
    const args = dropTrailingUndefined(given)
    const problem = findArgumentsProblem(args)
    if (problem !== undefined) throw makeError(`mill.${extension}.${name}: ${problem}`)
    try {
      const answer = (await client.call("call", { extension, function: name, args })) as ExtensionAnswer
      return answer.json === undefined ? undefined : JSON.parse(answer.json)
    } catch (error) {
      throw error instanceof RpcFailure ? makeError(error.message) : error
    }
  }
