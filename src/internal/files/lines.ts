/**
 * Bytes to lines. Splits on the line feed alone (U+2028 and carriage returns belong to the line), at byte level, so a
 * character cut by a chunk's end stays whole. Invalid UTF-8 becomes replacement characters. A line above the limit is
 * dropped while it passes by, so that memory stays bounded, and counted.
 */

/** A splitter in use. It remembers the start of a line whose end has not come. */
export type LineSplitter = {
  /** The lines that this chunk ends, without their line feeds. */
  readonly push: (chunk: Uint8Array) => ReadonlyArray<string>
  /** What came after the last line feed, if anything: at most one line. */
  readonly end: () => ReadonlyArray<string>
  /** How many lines were dropped because they were too long. */
  readonly overlongLines: number
  /** How many bytes came after the last line feed so far. */
  readonly pendingBytes: number
}

const lineFeed = 10

/** One after the other; `length` is what they have together. */
export const concat = (parts: ReadonlyArray<Uint8Array>, length: number): Uint8Array => {
  if (parts.length === 1 && parts[0] !== undefined) return parts[0]
  const whole = new Uint8Array(length)
  let offset = 0
  for (const part of parts) {
    whole.set(part, offset)
    offset += part.length
  }
  return whole
}

/** A splitter that drops lines of more than `maxLineBytes` bytes. */
export const makeLineSplitter = (options: { readonly maxLineBytes: number }): LineSplitter => {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true })
  let pending: Array<Uint8Array> = []
  let pendingBytes = 0
  let skipping = false
  let overlongLines = 0

  const take = (): Uint8Array => {
    const whole = concat(pending, pendingBytes)
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
  /** Ends the pending line, or gives nothing when it was dropped. */
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

  const push = (chunk: Uint8Array): ReadonlyArray<string> => {
    const first = chunk.indexOf(lineFeed)
    if (first === -1) {
      keep(chunk)
      return []
    }
    keep(chunk.subarray(0, first))
    const lines = [...finish()]
    const last = chunk.lastIndexOf(lineFeed)
    // Only a chunk that is larger than a line may be can hold a line that is too long.
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
    end: () => (pendingBytes === 0 ? [] : finish()),
    get overlongLines() {
      return overlongLines
    },
    get pendingBytes() {
      return pendingBytes
    },
  }
}
