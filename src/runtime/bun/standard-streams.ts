/**
 * Standard output and standard error as mill's own text goes to them. Bun loads its streams, its sockets and its
 * terminals for the mere mention of `process.stdout`, which takes longer than most of a short command: nothing here
 * mentions it unless there is a terminal. Its sinks, as its streams, would leave a pipe in a state in which whoever
 * shares it is told EAGAIN.
 */
import { fstatSync, write } from "node:fs"

/** How soon a pipe that is full is tried again, where somebody has made it answer at once. */
const fullMillis = 5

/** Writes as much as is taken, from `offset` on, and gives how much that was. */
const writeSome = (fd: number, bytes: Uint8Array, offset: number) =>
  new Promise<number>((resolve, reject) => {
    write(fd, bytes, offset, bytes.length - offset, null, (error, written) => {
      if (error === null) resolve(written)
      else if (error.code === "EAGAIN") setTimeout(resolve, fullMillis, 0)
      else reject(error)
    })
  })

const encoder = new TextEncoder()

/** Writes one thing after the other, and waits until the reader has taken it. Rejected with the system's error. */
const writerTo = (fd: number) => {
  let last: Promise<void> = Promise.resolve()
  const writeAfter = async (before: Promise<void>, bytes: Uint8Array) => {
    await before.catch(() => undefined)
    for (let offset = 0; offset < bytes.length;) offset += await writeSome(fd, bytes, offset)
  }
  return (chunk: string | Uint8Array): Promise<void> => {
    last = writeAfter(last, typeof chunk === "string" ? encoder.encode(chunk) : chunk)
    return last
  }
}

export const writeOut = writerTo(1)
export const writeErr = writerTo(2)

/** Whether a descriptor leads to a terminal; also to other devices, as /dev/null. */
export const mayBeTerminal = (fd: number) => {
  try {
    return fstatSync(fd).isCharacterDevice()
  } catch {
    return false
  }
}

/** How large the terminal is, in characters, where the stream leads to one. */
export const sizeOf = (fd: 1 | 2) => {
  if (!mayBeTerminal(fd)) return undefined
  const { columns, isTTY, rows } = fd === 1 ? process.stdout : process.stderr
  return isTTY ? { columns: columns || 80, rows: rows || 24 } : undefined
}
