/** Texts cut to a length, between characters: no half of a surrogate pair, no part of a UTF-8 sequence is left. */

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** The beginning of a text: `limit` UTF-16 units at the most. */
export const cutText = (text: string, limit: number): string => {
  if (text.length <= limit) return text
  const last = text.charCodeAt(limit - 1)
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? limit - 1 : limit)
}

/** The beginning of a text: `limit` bytes of UTF-8 at the most. */
export const cutBytes = (text: string, limit: number): string => {
  if (text.length * 3 <= limit) return text
  // Where the bytes do not fit, the encoder stops before the character that does not.
  const bytes = new Uint8Array(limit)
  const { read, written } = encoder.encodeInto(text, bytes)
  return read === text.length ? text : decoder.decode(bytes.subarray(0, written))
}
