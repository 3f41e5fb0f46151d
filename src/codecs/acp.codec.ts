/**
 * Any agent that speaks the Agent Client Protocol over standard input and output: protocol version 1, as in the SDK
 * `@agentclientprotocol/sdk` 2.4.0. One session is opened for a spawn, and one prompt asked; the answer is the text of
 * the agent's last message. It is complete whatever `stopReason` says, but for `refusal` and `cancelled`; a turn that
 * ends without any text and without any tool call has failed.
 *
 * The protocol has no system prompt: it is put before the prompt, with an empty line between them, in one block of text.
 * (Of two blocks, claude-agent-acp 0.100.0 carries out the second when it begins with `/`, and pi-acp 0.0.34 joins them
 * without a space.) So an agent does not take the beginning of a prompt for a command of its own. It may do so with what
 * it looks for anywhere in a text.
 *
 * A model is one that the agent offers, by its id or its name; any other is refused. `default` leaves the choice to an
 * agent that has none of this name. Files and terminals of the client's are not offered, and permissions are answered
 * from the configuration. Usage is what the answer to the prompt tells; adapters that tell only how full the context is
 * tell none.
 */
import { Option, Result, Schema } from "effect"
import type { AcpConversation } from "../domain/acp.schema.ts"
import { defineBuiltInCodec, type Codec, type SpawnInput } from "../domain/driver.schema.ts"
import { answerPermission, chooseModel, Permissions } from "./acp-choice.codec.ts"
import { messageOf } from "./acp-message.codec.ts"
import { type AcpState, decodeEvent, decodeFinal, initial } from "./acp-turn.codec.ts"
import { checkNotBlank, checkText, encoderWith } from "./call.codec.ts"

/** Seconds: an agent may take that long to open a session, and to answer. */
const defaultHandshakeTimeout = 60
const defaultTimeout = 1800

const Seconds = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 7 * 24 * 3600 }))

/** What can be chosen about a conversation. Everything else goes into the driver's `args` and `env`. */
export const AcpOptions = Schema.Struct({
  /** What agents that ask for permission are told. `allow-always` lets them stop asking. Default: `deny`. */
  permissions: Schema.optional(Permissions),
  /** Seconds until the answer must be there; 0 is no limit. Default: 1800. */
  timeout: Schema.optional(Seconds),
  /** Seconds until the agent must have opened a session; 0 is no limit. Default: 60. */
  handshakeTimeout: Schema.optional(Seconds),
  /** The id of the agent's way to log in that is to be gone before a session is opened, where it needs one. */
  authMethod: Schema.optional(Schema.NonEmptyString),
})
export type AcpOptions = typeof AcpOptions.Type

const encodeSpawn = (input: SpawnInput) =>
  Result.gen(function* () {
    yield* checkNotBlank("prompt", input.prompt)
    yield* checkNotBlank("systemPrompt", input.systemPrompt)
    yield* checkText("model", input.model)
    // Where claude is behind the adapter, a prompt mentions files without having them read.
    return { args: [], env: { CLAUDE_CODE_DISABLE_FILE_MENTIONS: "1" } }
  })

const promptOf = ({ prompt, systemPrompt }: SpawnInput): string => {
  const text = `${systemPrompt}\n\n${prompt}`
  return text.startsWith("/") ? `\n${text}` : text
}

const conversationOf = (options: AcpOptions): AcpConversation => ({
  handshakeTimeout: options.handshakeTimeout ?? defaultHandshakeTimeout,
  timeout: options.timeout ?? defaultTimeout,
  ...(options.authMethod === undefined ? {} : { authMethod: options.authMethod }),
  prompt: promptOf,
  chooseModel,
  permission: answerPermission(options.permissions ?? "deny"),
  message: messageOf,
})

/** Speaks to any agent in the Agent Client Protocol: `processDriver({ command: "claude-agent-acp", codec: acpCodec() })`. */
export const acpCodec = (options: AcpOptions = {}): Codec => {
  // Bad ones are told by the encoder, which refuses every spawn.
  const valid = Option.getOrElse(Schema.decodeUnknownOption(AcpOptions)(options), (): AcpOptions => ({}))
  return defineBuiltInCodec<AcpState>("acpCodec", {
    name: "acp",
    modelFormat: `a model that the agent offers, by id or name; "default" leaves the choice to the agent`,
    models: [],
    ...encoderWith("acpCodec", AcpOptions, options, () => Result.succeed(encodeSpawn)),
    conversation: conversationOf(valid),
    initial,
    decodeEvent: decodeEvent(valid.permissions ?? "deny"),
    decodeFinal,
  })
}
