/**
 * Any agent that speaks the Agent Client Protocol over standard input and output: protocol version 1, as in the SDK
 * `@agentclientprotocol/sdk` 2.4.0. Each spawn opens one session and sends one prompt. The answer is the text of the
 * agent's last message. Every `stopReason` except `refusal` and `cancelled` completes it, but a turn without any text or
 * tool call has failed.
 *
 * The protocol has no system prompt, so the system prompt and the prompt are sent as one block of text with an empty line
 * between them. (Given two blocks, claude-agent-acp 0.100.0 executes the second if it starts with `/`, and pi-acp 0.0.34
 * joins them without a space.) This keeps an agent from executing the start of a prompt as a command, but not from acting
 * on patterns that it looks for anywhere in a text.
 *
 * A model must be one that the agent offers, by id or name. `default` leaves the choice to an agent that has no model of
 * this name. mill does not offer client files or terminals, and answers permission requests as configured. Usage comes from the
 * answer to the prompt; adapters that report only the size of the context have none.
 */
import { Result, Schema } from "effect"
import type { AcpConversation } from "../domain/acp.schema.ts"
import { defineBuiltInCodec, type Codec, type SpawnInput } from "../domain/driver.schema.ts"
import { answerPermission, chooseModel, Permissions } from "./acp-choice.codec.ts"
import { readMessage } from "./acp-message.codec.ts"
import { type AcpState, decodeEvent, decodeFinal, initial } from "./acp-turn.codec.ts"
import { checkNotBlank, checkText, makeSpawnEncoder } from "./call.codec.ts"

/** Default time limits for opening a session and for the answer, in seconds. */
const defaultHandshakeTimeout = 60
const defaultTimeout = 1800

const Seconds = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 7 * 24 * 3600 }))

/** Options of the conversation. Configure everything else with the driver's `args` and `env`. */
export const AcpOptions = Schema.Struct({
  /** The answer to permission requests. With `allow-always` the agent may stop asking. Default: `deny`. */
  permissions: Schema.optional(Permissions),
  /** Time limit for the answer, in seconds; 0 means no limit. Default: 1800. */
  timeout: Schema.optional(Seconds),
  /** Time limit for opening a session, in seconds; 0 means no limit. Default: 60. */
  handshakeTimeout: Schema.optional(Seconds),
  /** The id of the auth method to use before opening a session, if the agent needs one. */
  authMethod: Schema.optional(Schema.NonEmptyString),
})
export type AcpOptions = typeof AcpOptions.Type

const encodeSpawn = (input: SpawnInput) =>
  Result.gen(function* () {
    yield* checkNotBlank("prompt", input.prompt)
    yield* checkNotBlank("systemPrompt", input.systemPrompt)
    if (input.model !== undefined) yield* checkText("model", input.model)
    // An adapter for claude must not read files that the prompt mentions.
    return { args: [], env: { CLAUDE_CODE_DISABLE_FILE_MENTIONS: "1" } }
  })

const makePrompt = ({ prompt, systemPrompt }: SpawnInput): string => {
  const text = `${systemPrompt}\n\n${prompt}`
  return text.startsWith("/") ? `\n${text}` : text
}

const makeConversation = (options: AcpOptions): AcpConversation => ({
  handshakeTimeout: options.handshakeTimeout ?? defaultHandshakeTimeout,
  timeout: options.timeout ?? defaultTimeout,
  authMethod: options.authMethod,
  prompt: makePrompt,
  chooseModel,
  permission: answerPermission(options.permissions ?? "deny"),
  message: readMessage,
})

/** A codec for the Agent Client Protocol: `processDriver({ command: "claude-agent-acp", codec: acpCodec() })`. */
export const acpCodec = (options: AcpOptions = {}): Codec => {
  const { valid = {}, ...encoder } = makeSpawnEncoder("acpCodec", AcpOptions, options, () =>
    Result.succeed(encodeSpawn),
  )
  return defineBuiltInCodec<AcpState>("acpCodec", {
    name: "acp",
    modelFormat: `the id or name of one of the agent's models, or "default" to leave the choice to the agent`,
    models: [],
    ...encoder,
    conversation: makeConversation(valid),
    initial,
    decodeEvent: decodeEvent(valid.permissions ?? "deny"),
    decodeFinal,
  })
}
