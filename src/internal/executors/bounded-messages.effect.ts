/**
 * Bounds what a program can have the worker hold. The bytes of a message, which is a line, are collected as they come
 * and joined once: whoever reads the socket gets whole lines, and of one that grows too long nothing.
 */
import { Effect } from "effect"
import { Socket } from "effect/socket"
import { concat } from "../files/lines.ts"

/** The longest message, in bytes. A result and the answers to it are one each. */
export const maxMessageBytes = 64 * 1024 * 1024

const lineFeed = 10

const encoder = new TextEncoder()

/**
 * Makes of each socket one that gives whole lines. When what they hold of unfinished ones is too long together, `tooLong`
 * is run, and nothing more is read.
 */
export const boundedMessages = (tooLong: Effect.Effect<unknown>) => {
  let held = 0
  const reader = Effect.fnUntraced(function* (socket: Socket.Socket) {
    const { pull, upgrade } = yield* socket.reader
    let parts: Array<Uint8Array> = []
    let size = 0
    const take = (part: Uint8Array) => {
      parts.push(part)
      size += part.length
      held += part.length
    }
    const clear = () => {
      parts = []
      held -= size
      size = 0
    }
    yield* Effect.addFinalizer(() => Effect.sync(clear))
    const lines = Effect.gen(function* () {
      for (;;) {
        const whole: Array<Uint8Array> = []
        for (const frame of yield* pull) {
          const bytes = typeof frame === "string" ? encoder.encode(frame) : frame
          const end = bytes.lastIndexOf(lineFeed) + 1
          if (end > 0) {
            take(bytes.subarray(0, end))
            whole.push(concat(parts, size))
            clear()
          }
          if (end < bytes.length) take(bytes.subarray(end))
          if (held <= maxMessageBytes) continue
          clear()
          yield* tooLong
          return yield* Effect.never
        }
        const [first, ...rest] = whole
        if (first !== undefined) return [first, ...rest] as const
      }
    })
    return { pull: lines, upgrade }
  })
  return (socket: Socket.Socket): Socket.Socket =>
    Socket.make({ writer: socket.writer, reader: reader(socket) })
}
