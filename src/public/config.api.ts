/** What a configuration is made of. The factories give plain data, which mill validates when it loads the configuration. */
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
 * What an extension's hooks give (`Effect`, `Schedule`), and what a codec's `encodeSpawn` gives: `Result.succeed(call)`, or
 * `Result.fail(new SpawnRefused({ … }))`. All of effect is there as `effect`.
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

/** A configuration, with its type checked by the editor. */
export const defineConfig = (config: MillConfig): MillConfig => config

/** An extension, with its type checked by the editor. */
export const defineExtension = (extension: Extension): Extension => extension

/** A driver that starts a command for each spawn. */
export const processDriver = (options: ProcessDriverOptions): ProcessDriver => ({
  type: "process",
  ...options,
})

/** An executor that runs the program as a process like any other. */
export const directExecutor = (): DirectExecutor => ({ type: "direct" })

/** A driver that asks an HTTP API for each spawn. */
export const httpDriver = (options: HttpDriverOptions): HttpDriver => ({ type: "http", ...options })

/** An executor that runs the program in a sandbox, from which `mill` is the only way out. */
export const vmExecutor = (options: VmExecutorOptions = {}): VmExecutor => ({ type: "vm", ...options })
