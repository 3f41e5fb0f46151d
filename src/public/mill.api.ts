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
/** What a codec's `encodeSpawn` gives: `Result.succeed(call)`, or `Result.fail(new SpawnRefused({ … }))`. */
export { Result } from "effect"
export { acpCodec } from "../codecs/acp.codec.ts"
export { claudeCodec } from "../codecs/claude.codec.ts"
export { codexCodec } from "../codecs/codex.codec.ts"
export { jsonlCodec } from "../codecs/jsonl.codec.ts"
export { piCodec } from "../codecs/pi.codec.ts"
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
export { SpawnRefused } from "../domain/error.schema.ts"
export { defineConfig, directExecutor, processDriver } from "./config.api.ts"
export type { DirectExecutor, Extension, MillConfig, ProcessDriver, ProcessDriverOptions } from "./types.ts"
export type { RunRecord, RunResult, RunStatus } from "../domain/run.schema.ts"
export type { SpawnOptions, SpawnResult, Usage } from "../domain/spawn.schema.ts"
