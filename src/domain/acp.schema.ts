/** What a codec knows of an agent that is talked with in the Agent Client Protocol. */
import { type Result, Schema } from "effect"
import type { SpawnInput } from "./driver.schema.ts"
import type { SpawnRefused } from "./error.schema.ts"

/** A request that chooses a model before the first prompt. */
export const AcpModelChoice = Schema.Struct({
  method: Schema.String,
  params: Schema.Record(Schema.String, Schema.String),
})
export type AcpModelChoice = typeof AcpModelChoice.Type

/** The answer to an agent that asks for permission. */
export const AcpPermission = Schema.Struct({
  outcome: Schema.Union([
    Schema.Struct({ outcome: Schema.Literal("cancelled") }),
    Schema.Struct({ outcome: Schema.Literal("selected"), optionId: Schema.String }),
  ]),
})
export type AcpPermission = typeof AcpPermission.Type

/**
 * How an agent is talked with that is asked by requests and not by its command line: in the Agent Client Protocol. The
 * driver holds the conversation; what there is to decide in it is decided here, and its lines are decoded like any.
 */
export type AcpConversation = {
  /** Seconds until the agent must have opened a session, and until it must have answered; 0 is no limit. */
  readonly handshakeTimeout: number
  readonly timeout: number
  /** The id of a way to log in that the agent is asked to go before a session is opened. */
  readonly authMethod?: string | undefined
  /** The text of the one prompt. */
  readonly prompt: (input: SpawnInput) => string
  /**
   * What makes the agent use this model, by what it answered to `session/new`: nothing when its own choice will do. Or
   * why it cannot.
   */
  readonly chooseModel: (
    model: string,
    session: unknown,
  ) => Result.Result<AcpModelChoice | undefined, SpawnRefused>
  /** The answer to the parameters of `session/request_permission`. */
  readonly permission: (request: unknown) => AcpPermission
  /** The message in a line, when it is a request of the agent's or an answer: all others are for the decoder alone. */
  readonly message: (line: string) => object | undefined
}
