/**
 * `@mill/core`: what a `mill.config.ts` is made of.
 *
 * @example
 * import { defineConfig, processDriver, claudeCodec } from "@mill/core"
 *
 * export default defineConfig({
 *   defaultDriver: "claude",
 *   drivers: { claude: processDriver({ command: "claude", codec: claudeCodec() }) },
 * })
 */
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
export type {
  AcpConversation,
  AcpModelChoice,
  AcpPermission,
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
export {
  defineConfig,
  defineExtension,
  directExecutor,
  httpDriver,
  processDriver,
  vmExecutor,
} from "./config.api.ts"
export type {
  DirectExecutor,
  Extension,
  ExtensionFunction,
  HttpDriver,
  HttpDriverOptions,
  MillConfig,
  ProcessDriver,
  ProcessDriverOptions,
  VmExecutor,
  VmExecutorOptions,
} from "./types.ts"
export type { RunRecord, RunResult, RunStatus } from "../domain/run.schema.ts"
export type { SpawnOptions, SpawnResult, Usage } from "../domain/spawn.schema.ts"
