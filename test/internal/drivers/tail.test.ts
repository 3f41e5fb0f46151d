/** The tail of a stream of bytes, however it is cut into chunks. */
import { expect, test } from "bun:test"
import { Arbitrary, Schema } from "effect"
import { makeTail } from "../../../src/internal/drivers/tail.ts"
import { integer, property } from "../../support/property.ts"

const encoder = new TextEncoder()

const tailOf = (limit: number, chunks: ReadonlyArray<Uint8Array>): string => {
  const tail = makeTail(limit)
  for (const chunk of chunks) tail.push(chunk)
  return tail.text()
}

/** Cuts the bytes into chunks of these sizes, cyclically. */
const chunksOf = (bytes: Uint8Array, sizes: ReadonlyArray<number>): ReadonlyArray<Uint8Array> => {
  const chunks: Array<Uint8Array> = []
  for (let offset = 0, n = 0; offset < bytes.length; n++) {
    const size = sizes[n % sizes.length] ?? 1
    chunks.push(bytes.subarray(offset, offset + size))
    offset += size
  }
  return chunks
}

const text = Arbitrary.map(
  Arbitrary.array(Arbitrary.schema(Schema.Literals(["a", "é", "漢", "👩‍💻", "\n", "\0"])), { maxLength: 60 }),
  (parts) => parts.join(""),
)

property(
  "keeps as many whole characters from the end of the text as fit",
  Arbitrary.all([text, integer(1, 50), Arbitrary.array(integer(1, 20), { minLength: 1, maxLength: 5 })]),
  ([whole, limit, sizes]) => {
    const kept = tailOf(limit, chunksOf(encoder.encode(whole), sizes))
    const bytes = encoder.encode(kept).length
    const all = encoder.encode(whole).length
    // A character has at most four bytes, so at most three are lost at the cut.
    return whole.endsWith(kept) && bytes <= limit && (all <= limit ? kept === whole : bytes > limit - 4)
  },
)

test("a chunk larger than the limit replaces everything", () => {
  expect(tailOf(4, [encoder.encode("ab"), encoder.encode("0123456789")])).toBe("6789")
})

test("decodes invalid UTF-8 to replacement characters", () => {
  expect(tailOf(8, [Uint8Array.of(0x61, 0xff, 0x62)])).toBe("a\ufffdb")
  expect(tailOf(8, [])).toBe("")
})
