/**
 * The host's side of the protocol: JSON-RPC 2.0, a message a line, over a Unix socket. A call that waits for its answer
 * keeps the process alive, as a pending timer would; an idle connection does not.
 */

/** The error object of a JSON-RPC answer. */
export type RpcError = { readonly message: string; readonly data?: unknown }

export type RpcClient = {
  /** Calls a method. Rejects with an `RpcFailure` when the worker answers with an error. */
  readonly call: (method: string, params: unknown) => Promise<unknown>
  /** Tells something that needs no answer. */
  readonly notify: (method: string, params: unknown) => void
}

/** An answer that was an error. */
export class RpcFailure extends Error {
  readonly error: RpcError
  constructor(error: RpcError) {
    super(error.message)
    this.error = error
  }
}

type Pending = { readonly resolve: (value: unknown) => void; readonly reject: (error: RpcFailure) => void }

/** How long an exiting program tries to say its last words, in milliseconds. */
const exitPatience = 1000

/** Connects to the worker; `onClose` is called when the worker has gone. */
export const connect = async (path: string, onClose: () => void): Promise<RpcClient> => {
  const pending = new Map<number, Pending>()
  const encoder = new TextEncoder()
  const decoder = new TextDecoder()
  const parts: Array<string> = []
  let unsent: Uint8Array = new Uint8Array(0)
  let waiting: Array<string> = []
  let lastId = 0

  /** Hands as much to the system as it takes. */
  const flush = () => {
    while (unsent.length > 0 || waiting.length > 0) {
      if (unsent.length === 0) {
        unsent = encoder.encode(waiting.join(""))
        waiting = []
      }
      const written = Math.max(0, socket.write(unsent))
      unsent = unsent.subarray(written)
      if (unsent.length > 0) return
    }
  }
  const send = (message: object) => {
    waiting.push(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`)
    if (unsent.length === 0) flush()
  }
  // A program that exits has no turn left in which to be called when there is room: ask until there is.
  process.on("exit", () => {
    const deadline = performance.now() + exitPatience
    while ((unsent.length > 0 || waiting.length > 0) && performance.now() < deadline) flush()
  })
  const receive = (line: string) => {
    const message: unknown = JSON.parse(line)
    if (typeof message !== "object" || message === null || !("id" in message)) return
    const id = Number(message.id)
    const call = pending.get(id)
    if (call === undefined) return
    pending.delete(id)
    if (pending.size === 0) socket.unref()
    if ("error" in message && message.error !== undefined)
      call.reject(new RpcFailure(message.error as RpcError))
    else call.resolve("result" in message ? message.result : undefined)
  }
  const socket = await Bun.connect({
    unix: path,
    socket: {
      data: (_, bytes) => {
        const text = decoder.decode(bytes, { stream: true })
        const end = text.lastIndexOf("\n")
        if (end === -1) {
          parts.push(text)
          return
        }
        const whole = parts.splice(0).join("") + text.slice(0, end)
        if (end + 1 < text.length) parts.push(text.slice(end + 1))
        for (const line of whole.split("\n")) receive(line)
      },
      drain: flush,
      close: onClose,
    },
  })
  socket.unref()
  return {
    notify: (method, params) => send({ method, params }),
    call: (method, params) => {
      lastId += 1
      const id = lastId
      socket.ref()
      return new Promise((resolve, reject) => {
        pending.set(id, { resolve, reject })
        send({ id, method, params })
      })
    },
  }
}
