/** The decisions that a codec makes in an Agent Client Protocol conversation. The driver holds the conversation itself. */
import { type Result, Schema } from "effect"
import type { SpawnInput } from "./driver.schema.ts"
import type { SpawnRefused } from "./error.schema.ts"

/** The model of a conversation, as the agent names it, and the request that selects it before the prompt. */
export const AcpModelChoice = Schema.Struct({
  /** Absent if the agent does not report its current model. */
  model: Schema.optional(Schema.NonEmptyString),
  /** Absent when the agent's current model will do. */
  request: Schema.optional(
    Schema.Struct({ method: Schema.String, params: Schema.Record(Schema.String, Schema.String) }),
  ),
})
export type AcpModelChoice = typeof AcpModelChoice.Type

/** The answer to a permission request. */
export const AcpPermission = Schema.Struct({
  outcome: Schema.Union([
    Schema.Struct({ outcome: Schema.Literal("cancelled") }),
    Schema.Struct({ outcome: Schema.Literal("selected"), optionId: Schema.String }),
  ]),
})
export type AcpPermission = typeof AcpPermission.Type

/** An Agent Client Protocol conversation: requests over standard input and output instead of a command line. */
export type AcpConversation = {
  /** Time limits for opening a session and for the answer, in seconds; 0 means no limit. */
  readonly handshakeTimeout: number
  readonly timeout: number
  /** The id of the auth method to use before opening a session. */
  readonly authMethod?: string | undefined
  /** The text of the single prompt. */
  readonly prompt: (input: SpawnInput) => string
  /**
   * Chooses `model`, or keeps the agent's current model if it is undefined, given the agent's answer to `session/new`.
   * Fails when the agent cannot use the model.
   */
  readonly chooseModel: (
    model: string | undefined,
    session: unknown,
  ) => Result.Result<AcpModelChoice, SpawnRefused>
  /** The answer to the parameters of `session/request_permission`. */
  readonly permission: (request: unknown) => AcpPermission
  /** The message in a line, if it is a request or a response. The decoder alone reads all other lines. */
  readonly message: (line: string) => object | undefined
}
