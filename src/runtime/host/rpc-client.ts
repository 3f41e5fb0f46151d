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

/** Connects to the worker; `onClose` is called when the worker has gone. */
export const connect = async (path: string, onClose: () => void): Promise<RpcClient> => {
  const pending = new Map<number, Pending>()
  const encoder = new TextEncoder()
  const decoder = new TextDecoder()
  const parts: Array<string> = []
  let unsent: Array<Uint8Array> = []
  let lastId = 0

  const flush = () => {
    while (unsent[0] !== undefined) {
      const [head, ...rest] = unsent
      const written = socket.write(head)
      if (written < head.length) {
        unsent = [head.subarray(Math.max(0, written)), ...rest]
        return
      }
      unsent = rest
    }
  }
  const send = (message: object) => {
    unsent.push(encoder.encode(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`))
    if (unsent.length === 1) flush()
  }
  const receive = (line: string) => {
    const message: unknown = JSON.parse(line)
    if (typeof message !== "object" || message === null || !("id" in message)) return
    const id = Number(message.id)
    const waiting = pending.get(id)
    if (waiting === undefined) return
    pending.delete(id)
    if (pending.size === 0) socket.unref()
    if ("error" in message && message.error !== undefined)
      waiting.reject(new RpcFailure(message.error as RpcError))
    else waiting.resolve("result" in message ? message.result : undefined)
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
