/**
 * Recognizes notices that adapters send as part of the answer. Taken for the answer, a notice would turn a failure into a
 * success, because these adapters end the turn normally after an error.
 */

import { Option, Schema } from "effect"
import type { DriverEvent } from "../domain/driver.schema.ts"
import { oldestTested, warnIfOlder } from "./tested-version.codec.ts"

type Chunk = { readonly text: string; readonly messageId?: string | undefined }

const notices: Readonly<Record<string, (chunk: Chunk) => boolean>> = {
  // 2.6.0: the model's messages have an id, codex's own have none.
  "@agentclientprotocol/codex-acp": ({ messageId }) => messageId === undefined,
  // 0.16.0 of Zed
  "codex-acp": ({ text }) => text.startsWith("Model metadata for "),
  // 0.0.34
  "pi-acp": ({ text }) => /^(?:Retrying \(attempt \d+\/\d+, |Retry finished, resuming\.$)/.test(text),
}

/** Whether the chunk comes from the adapter instead of the model. */
export const isNotice = (adapter: string | undefined, chunk: Chunk): boolean =>
  adapter !== undefined && (notices[adapter]?.(chunk) ?? false)

/** Whether a notice can be ignored if nothing follows it. */
export const isHarmless = (notice: string): boolean => /^(?:Warning|Retry|Model metadata for )/.test(notice)

/** Whether the agent reports the usage of the last request of a turn as that of the turn. Seen with opencode 1.18.33. */
export const countsLastRequest = (adapter: string | undefined): boolean =>
  adapter !== undefined && /^opencode$/i.test(adapter)

const decodeTested = Schema.decodeUnknownOption(
  Schema.Literals(["@agentclientprotocol/claude-agent-acp", "@agentclientprotocol/codex-acp", "pi-acp"]),
)

/** Warns about an adapter that is older than the oldest tested version. */
export const warnIfOlderAdapter = (
  adapter: { readonly name: string; readonly version?: string | undefined } | undefined,
): ReadonlyArray<DriverEvent> =>
  Option.match(decodeTested(adapter?.name), {
    onNone: () => [],
    onSome: (name) => warnIfOlder(name, adapter?.version, oldestTested[name]),
  })
