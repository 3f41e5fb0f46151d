/** The last bytes of a stream. */
export type Tail = {
  readonly push: (chunk: Uint8Array) => void
  /** The kept bytes as text, from the first whole character. */
  readonly text: () => string
}

/** Keeps the last `limit` bytes. */
export const makeTail = (limit: number): Tail => {
  const decoder = new TextDecoder()
  let kept = new Uint8Array(0)
  let cut = false
  return {
    push: (chunk) => {
      cut ||= kept.length + chunk.length > limit
      const joined = new Uint8Array(Math.min(limit, kept.length + chunk.length))
      const fromChunk = chunk.subarray(Math.max(0, chunk.length - limit))
      const fromKept = kept.subarray(kept.length - (joined.length - fromChunk.length))
      joined.set(fromKept, 0)
      joined.set(fromChunk, fromKept.length)
      kept = joined
    },
    text: () => {
      let start = 0
      if (cut) while (start < kept.length && ((kept[start] ?? 0) & 0xc0) === 0x80) start += 1
      return decoder.decode(kept.subarray(start))
    },
  }
}
