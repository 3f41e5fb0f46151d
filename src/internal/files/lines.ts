/**
 * Splits bytes into lines at line feeds only: carriage returns and U+2028 belong to the line. Characters that are split
 * between chunks stay whole. Invalid UTF-8 becomes replacement characters. Lines above the limit are dropped and
 * counted; their bytes are never held, so memory stays bounded.
 */
import { Bytes } from "effect"

const lineFeed = 10

/** Joins chunks. A single chunk, the common case, is not copied. */
export const joinChunks = (chunks: ReadonlyArray<Uint8Array>): Uint8Array => {
  const [first, ...others] = chunks
  return first === undefined || others.length > 0 ? Bytes.concat(chunks) : first
}

/** Makes a splitter for one stream, which drops lines of more than `maxLineBytes` bytes. */
export const makeLineSplitter = (options: { readonly maxLineBytes: number }) => {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true })
  let pending: Array<Uint8Array> = []
  let pendingBytes = 0
  let skipping = false
  let overlongLines = 0
  let takenOverlong = 0

  const take = (): Uint8Array => {
    const whole = joinChunks(pending)
    pending = []
    pendingBytes = 0
    return whole
  }
  const keep = (part: Uint8Array) => {
    pendingBytes += part.length
    if (skipping) return
    if (pendingBytes > options.maxLineBytes) {
      skipping = true
      overlongLines += 1
      pending = []
    } else if (part.length > 0) {
      pending.push(part.slice())
    }
  }
  /** Ends the pending line; returns no line when it was dropped. */
  const finish = (): ReadonlyArray<string> => {
    if (skipping) {
      skipping = false
      pendingBytes = 0
      return []
    }
    return [decoder.decode(take())]
  }

  const shortLines = (body: Uint8Array): ReadonlyArray<string> => {
    const lines: Array<string> = []
    for (let start = 0; start <= body.length;) {
      const end = body.indexOf(lineFeed, start)
      const line = body.subarray(start, end === -1 ? body.length : end)
      if (line.length > options.maxLineBytes) overlongLines += 1
      else lines.push(decoder.decode(line))
      start += line.length + 1
    }
    return lines
  }

  /** Returns the lines that the chunk finishes, without their line feeds. */
  const push = (chunk: Uint8Array): ReadonlyArray<string> => {
    const first = chunk.indexOf(lineFeed)
    if (first === -1) {
      keep(chunk)
      return []
    }
    keep(chunk.subarray(0, first))
    const lines = [...finish()]
    const last = chunk.lastIndexOf(lineFeed)
    // Only a body above the limit can hold an overlong line.
    const body = chunk.subarray(first + 1, last)
    if (last > first)
      lines.push(
        ...(body.length > options.maxLineBytes ? shortLines(body) : decoder.decode(body).split("\n")),
      )
    keep(chunk.subarray(last + 1))
    return lines
  }

  return {
    push,
    /** Returns the bytes after the last line feed as a line, if there are any. */
    end: () => (pendingBytes === 0 ? [] : finish()),
    /** How many lines were dropped for their length. */
    get overlongLines() {
      return overlongLines
    },
    /** Returns how many lines were dropped for their length since the last call. */
    takeOverlong: () => {
      const taken = overlongLines - takenOverlong
      takenOverlong = overlongLines
      return taken
    },
    /** How many bytes have followed the last line feed. */
    get pendingBytes() {
      return pendingBytes
    },
  }
}
