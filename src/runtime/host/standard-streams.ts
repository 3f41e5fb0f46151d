/**
 * Standard output and standard error as mill's own text goes to them. Bun loads its streams, its sockets and its
 * terminals for the mere mention of `process.stdout`, which takes longer than most of a short command: nothing here
 * mentions it unless there is a terminal.
 */
import { fstatSync } from "node:fs"
import { put } from "./file-sink.ts"

const writerTo = (name: "stdout" | "stderr") => {
  let sink: Bun.FileSink | undefined
  // A sink that has failed once says of what comes after that it was written.
  let failure: unknown
  return async (text: string | Uint8Array): Promise<unknown> => {
    if (failure !== undefined) return failure
    try {
      sink ??= Bun[name].writer()
      await put(sink, text)
    } catch (error) {
      failure = error
    }
    return failure
  }
}

/** They write, and give nothing when it has been taken, or what is wrong. */
export const writeOut = writerTo("stdout")
export const writeErr = writerTo("stderr")

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
