/** Cuts text to a length between characters, so that no surrogate pair or UTF-8 sequence is split. */

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** The beginning of a text: at most `limit` UTF-16 units. */
export const cutText = (text: string, limit: number): string => {
  if (text.length <= limit) return text
  const last = text.charCodeAt(limit - 1)
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? limit - 1 : limit)
}

/** The beginning of a text: at most `limit` bytes of UTF-8. */
export const cutBytes = (text: string, limit: number): string => {
  if (text.length * 3 <= limit) return text
  // `encodeInto` stops before a character that does not fit.
  const bytes = new Uint8Array(limit)
  const { read, written } = encoder.encodeInto(text, bytes)
  return read === text.length ? text : decoder.decode(bytes.subarray(0, written))
}
