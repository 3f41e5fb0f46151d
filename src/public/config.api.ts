/** The functions used in a configuration file. They return plain data; mill validates it when it loads the configuration. */
import type {
  DirectExecutor,
  Extension,
  HttpDriver,
  HttpDriverOptions,
  MillConfig,
  ProcessDriver,
  ProcessDriverOptions,
  VmExecutor,
  VmExecutorOptions,
} from "./types.ts"

/**
 * `Effect` and `Schedule` are for extension hooks. `Result` is for a codec's `encodeSpawn`, which returns
 * `Result.succeed(call)` or `Result.fail(new SpawnRefused({ … }))`. A configuration can also import anything from `effect`.
 */
export { Effect, Result, Schedule } from "effect"
export { acpCodec } from "../codecs/acp.codec.ts"
export { anthropicMessagesCodec } from "../codecs/anthropic-messages.codec.ts"
export { chatCompletionsCodec } from "../codecs/chat-completions.codec.ts"
export { claudeCodec } from "../codecs/claude.codec.ts"
export { codexCodec } from "../codecs/codex.codec.ts"
export { jsonlCodec } from "../codecs/jsonl.codec.ts"
export type { HttpCodecOptions } from "../codecs/http.codec.ts"
export { piCodec } from "../codecs/pi.codec.ts"
export { responsesCodec } from "../codecs/responses.codec.ts"
export { textCodec } from "../codecs/text.codec.ts"
export { defineCodec, DriverEvent } from "../domain/driver.schema.ts"
export type { AcpConversation, AcpModelChoice, AcpPermission } from "../domain/acp.schema.ts"
export type {
  AgentCall,
  AgentExit,
  AgentOutcome,
  Codec,
  CodecDefinition,
  ModelListing,
  SpawnInput,
} from "../domain/driver.schema.ts"
export type { HttpCodec } from "../domain/http-codec.schema.ts"
export { SpawnRefused } from "../domain/error.schema.ts"
export type { MillEvent } from "../domain/event.schema.ts"
export type {
  ExtensionContext,
  ExtensionOnEvent,
  ExtensionSetup,
  FunctionDoc,
} from "../domain/extension.schema.ts"

/** Type-checks a configuration. */
export const defineConfig = (config: MillConfig): MillConfig => config

/** Type-checks an extension. */
export const defineExtension = (extension: Extension): Extension => extension

/** Creates a driver that starts a command for each spawn. */
export const processDriver = (options: ProcessDriverOptions): ProcessDriver => ({
  type: "process",
  ...options,
})

/** Creates an executor that runs programs as ordinary processes. */
export const directExecutor = (): DirectExecutor => ({ type: "direct" })

/** Creates a driver that calls an HTTP API for each spawn. */
export const httpDriver = (options: HttpDriverOptions): HttpDriver => ({ type: "http", ...options })

/** Creates an executor that runs programs in a sandbox. Programs can still spawn agents through `mill`. */
export const vmExecutor = (options: VmExecutorOptions = {}): VmExecutor => ({ type: "vm", ...options })
