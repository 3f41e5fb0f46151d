/**
 * The host's side of the protocol: JSON-RPC 2.0 over a Unix socket, one message a line. A pending call keeps the process
 * alive, as a timer would; an idle connection does not.
 */

/** The error object of a JSON-RPC response. */
export type RpcError = { readonly message: string; readonly data?: unknown }

export type RpcClient = {
  /** Calls a method. Rejects with an `RpcFailure` when the worker answers with an error. */
  readonly call: (method: string, params: unknown) => Promise<unknown>
  /** Sends a notification, which has no answer. */
  readonly notify: (method: string, params: unknown) => void
}

/** A call that the worker answered with an error. */
export class RpcFailure extends Error {
  readonly error: RpcError
  constructor(error: RpcError) {
    super(error.message)
    this.error = error
  }
}

type Pending = { readonly resolve: (value: unknown) => void; readonly reject: (error: RpcFailure) => void }

/** How long an exiting program tries to send its last messages, in milliseconds. */
const exitTimeout = 1000

/** Connects to the worker. `onClose` is called when the worker is gone. */
export const connect = async (path: string, onClose: () => void): Promise<RpcClient> => {
  const pending = new Map<number, Pending>()
  const encoder = new TextEncoder()
  const decoder = new TextDecoder()
  const parts: Array<string> = []
  let unsent: Uint8Array = new Uint8Array(0)
  let waiting: Array<string> = []
  let lastId = 0

  /** Writes as much as the socket takes. */
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
  // An exiting program gets no more `drain` events: keep writing until the socket has taken everything.
  process.on("exit", () => {
    const deadline = performance.now() + exitTimeout
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
