/**
 * Adapters that put words of their own into the agent's mouth: notices, which come as parts of the answer. Taken for the
 * answer, they would make a failure look like a success, since such an adapter ends the turn normally after an error.
 */

type Chunk = { readonly text: string; readonly messageId?: string | undefined }

const notices: Readonly<Record<string, (chunk: Chunk) => boolean>> = {
  // 2.6.0: what the model says has an id, what codex itself says has none.
  "@agentclientprotocol/codex-acp": ({ messageId }) => messageId === undefined,
  // 0.0.34
  "pi-acp": ({ text }) => /^(?:Retrying \(attempt \d+\/\d+, |Retry finished, resuming\.$)/.test(text),
}

/** Whether the adapter of this name says this, and not the model. */
export const isNotice = (adapter: string | undefined, chunk: Chunk): boolean =>
  adapter !== undefined && (notices[adapter]?.(chunk) ?? false)

/** Whether a notice can be passed over when nothing comes after it. */
export const isHarmless = (notice: string): boolean => /^(?:Warning|Retry)/.test(notice)
