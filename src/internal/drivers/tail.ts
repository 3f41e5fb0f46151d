/** The last bytes of a stream. */
import { Bytes } from "effect"

/** Keeps the last `limit` bytes. */
export const makeTail = (limit: number) => {
  const decoder = new TextDecoder()
  let kept = new Uint8Array(0)
  let isCut = false
  return {
    push: (chunk: Uint8Array) => {
      const joined = Bytes.concat([kept, chunk])
      const isOver = joined.length > limit
      isCut ||= isOver
      // A copy, as a view would keep all of the joined bytes in memory.
      kept = isOver ? joined.slice(-limit) : joined
    },
    /** The kept bytes as text, from the first whole character. */
    text: () => {
      let start = 0
      if (isCut) while (start < kept.length && ((kept[start] ?? 0) & 0xc0) === 0x80) start += 1
      return decoder.decode(kept.subarray(start))
    },
  }
}
