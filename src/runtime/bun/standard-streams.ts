/**
 * Writers for mill's own text on standard output and standard error. Bun loads its streams, sockets and terminals at the
 * first mention of `process.stdout`, which takes longer than most of a short command, so this module mentions it only
 * for a terminal. Both Bun's streams and its sinks make a pipe non-blocking, which other processes sharing the pipe see
 * as EAGAIN.
 */
import { fstatSync, write } from "node:fs"
import { isatty as isTerminal } from "node:tty"

/** How long to wait before writing to a full pipe again, where another process has made the pipe non-blocking. */
const retryMillis = 5

/** Writes the bytes from `offset` on, as many as the system takes, and returns their number. */
const writeSome = (fd: number, bytes: Uint8Array, offset: number) =>
  new Promise<number>((resolve, reject) => {
    write(fd, bytes, offset, bytes.length - offset, null, (error, written) => {
      if (error === null) resolve(written)
      else if (error.code === "EAGAIN") setTimeout(resolve, retryMillis, 0)
      else reject(error)
    })
  })

const encoder = new TextEncoder()

/** Makes a writer that keeps the order of its chunks and resolves once the system has taken a chunk. */
const makeWriter = (fd: number) => {
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

export const writeOut = makeWriter(1)
export const writeErr = makeWriter(2)

/** Whether a descriptor may be a terminal. Also true for other character devices, such as /dev/null. */
export const mayBeTerminal = (fd: number) => {
  try {
    return fstatSync(fd).isCharacterDevice()
  } catch {
    return false
  }
}

/** Reads the size of the terminal in characters, if the stream is one. */
export const readTerminalSize = (fd: 1 | 2) => {
  if (!mayBeTerminal(fd)) return undefined
  const { columns, isTTY, rows } = fd === 1 ? process.stdout : process.stderr
  return isTTY ? { columns: columns || 80, rows: rows || 24 } : undefined
}

/**
 * Whether the terminal wraps lines that no longer fit when it becomes narrower. Most do; xterm, GNU screen, st, rxvt and
 * consoles cut them.
 */
export const doesReflow = (env: Readonly<Record<string, string | undefined>>): boolean =>
  env["STY"] === undefined &&
  (env["TMUX"] !== undefined ||
    (env["XTERM_VERSION"] === undefined && !/^(?:linux|rxvt|st|vt\d)/.test(env["TERM"] ?? "")))

/** A background process that changes its terminal is stopped by the system, so the change may take only so long. */
const sttyTimeout = 500

const setEcho = (isOn: boolean) => {
  try {
    Bun.spawnSync(["stty", isOn ? "echo" : "-echo"], {
      stdin: "inherit",
      stdout: "ignore",
      stderr: "ignore",
      timeout: sttyTimeout,
      killSignal: "SIGKILL",
    })
  } catch {
    // Without stty, typed characters are shown.
  }
}

/**
 * Stops the terminal on standard input from showing what is typed. Keys such as Ctrl-C keep working, and the shell gets
 * the typed characters afterwards. Returns a function that undoes this.
 */
export const muteKeyboard = (): (() => void) => {
  if (!isTerminal(0)) return () => undefined
  let isMuted = true
  const restore = () => {
    if (isMuted) setEcho(true)
    isMuted = false
  }
  setEcho(false)
  process.once("exit", restore)
  return () => {
    process.off("exit", restore)
    restore()
  }
}
