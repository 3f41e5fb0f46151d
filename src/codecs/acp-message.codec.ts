/**
 * The agent's messages in the Agent Client Protocol that mill reads: protocol version 1, as in the SDK
 * `@agentclientprotocol/sdk` 2.4.0. Many adapter versions are in use, so fields are read leniently: an invalid field counts
 * as missing, and unknown fields and messages are ignored.
 */
import { Schema } from "effect"
import { Amount, ifValid, parseObject } from "./line.codec.ts"

const Text = Schema.Struct({ type: Schema.Literal("text"), text: Schema.String })

/** A tool call as first announced, or an update of one. */
export const ToolUpdate = Schema.Struct({
  toolCallId: Schema.NonEmptyString,
  /** The tool's own name, since SDK 2. */
  name: ifValid(Schema.NonEmptyString),
  title: ifValid(Schema.NonEmptyString),
  kind: ifValid(Schema.NonEmptyString),
  status: ifValid(Schema.NonEmptyString),
  rawInput: Schema.optional(Schema.Unknown),
})
export type ToolUpdate = typeof ToolUpdate.Type

export const PlanEntry = Schema.Struct({ content: Schema.NonEmptyString, status: Schema.String })
export type PlanEntry = typeof PlanEntry.Type

const Update = Schema.Union([
  Schema.Struct({
    sessionUpdate: Schema.Literal("agent_message_chunk"),
    content: Text,
    messageId: ifValid(Schema.NonEmptyString),
  }),
  Schema.Struct({
    sessionUpdate: Schema.Literals(["tool_call", "tool_call_update"]),
    ...ToolUpdate.fields,
  }),
  Schema.Struct({ sessionUpdate: Schema.Literal("plan"), entries: Schema.Array(PlanEntry) }),
  Schema.Struct({
    sessionUpdate: Schema.Literal("usage_update"),
    cost: Schema.Struct({ amount: Amount, currency: Schema.String }),
  }),
])

/** The parameters of `session/request_permission`. */
export const PermissionRequest = Schema.Struct({
  toolCall: ToolUpdate,
  options: Schema.Array(Schema.Struct({ optionId: Schema.String, kind: ifValid(Schema.String) })),
})

/** The usage of one model. */
const ModelQuota = Schema.Struct({
  token_count: Schema.Struct({
    inputTokens: Amount,
    outputTokens: Amount,
    totalTokens: ifValid(Amount),
    cachedInputTokens: ifValid(Amount),
    /** Of claude-agent-acp. */
    cachedWriteTokens: ifValid(Amount),
    /** Of codex-acp. */
    cacheWriteInputTokens: ifValid(Amount),
  }),
})

/** The results of all requests. Their fields tell them apart. */
const Answer = Schema.Struct({
  /** `initialize` */
  agentInfo: ifValid(Schema.Struct({ name: Schema.String, version: ifValid(Schema.String) })),
  authMethods: ifValid(Schema.Array(Schema.Struct({ id: Schema.String }))),
  /** `session/new` */
  sessionId: ifValid(Schema.NonEmptyString),
  _meta: ifValid(
    Schema.Struct({
      /** pi-acp 0.0.34 starts the first answer with this text. */
      piAcp: ifValid(Schema.Struct({ startupInfo: ifValid(Schema.String) })),
      /** claude-agent-acp 0.100.0 and codex-acp 2.6.0 report all requests of the turn here, also those beside the answer. */
      quota: ifValid(Schema.Struct({ model_usage: Schema.NonEmptyArray(ModelQuota) })),
    }),
  ),
  /** `session/prompt` */
  stopReason: ifValid(Schema.NonEmptyString),
  usage: ifValid(
    Schema.Struct({
      inputTokens: Amount,
      outputTokens: Amount,
      totalTokens: ifValid(Amount),
      cachedReadTokens: ifValid(Amount),
      cachedWriteTokens: ifValid(Amount),
    }),
  ),
})
export type Answer = typeof Answer.Type

export const Refusal = Schema.Struct({
  code: Schema.Finite,
  message: ifValid(Schema.String),
  data: Schema.optional(Schema.Unknown),
})
export type Refusal = typeof Refusal.Type

const UpdateLine = Schema.Struct({
  method: Schema.Literal("session/update"),
  params: Schema.Struct({ update: Update }),
})
const PermissionLine = Schema.Struct({
  method: Schema.Literal("session/request_permission"),
  params: PermissionRequest,
})
const AnswerLine = Schema.Struct({ id: Schema.Finite, result: Answer })
const RefusalLine = Schema.Struct({ id: Schema.Finite, error: Refusal })

const decodeLine = Schema.decodeUnknownOption(
  Schema.Union([UpdateLine, PermissionLine, RefusalLine, AnswerLine]),
)

/** Decodes a line. Returns none for a line that mill does not use. */
export const readLine = (line: string) => decodeLine(parseObject(line))

const leadingUpdate = /^\{"jsonrpc":"2\.0","method":"session\/update"/

/** Reads the message in a line if it is a request or a response. Notifications and other lines yield `undefined`. */
export const readMessage = (line: string): object | undefined => {
  if (leadingUpdate.test(line)) return undefined
  const value = parseObject(line)
  return value !== undefined && "jsonrpc" in value && "id" in value ? value : undefined
}
