/**
 * Bounds the memory that a program can take up in the worker. The chunks of a message, which is a line, are collected
 * and joined once, so the reader of the socket gets whole lines, and no part of a line that grows too long.
 */
import { Effect } from "effect"
import { Socket } from "effect/socket"
import { joinChunks } from "../files/lines.ts"

/** The longest message, in bytes. A spawn's input, an answer and a program's result are one message each. */
export const maxMessageBytes = 64 * 1024 * 1024

const lineFeed = 10

const encoder = new TextEncoder()

/**
 * Makes sockets return whole lines. When the unfinished lines of all of them exceed the limit together, runs `tooLong`
 * and stops reading.
 */
export const makeLineBound = (tooLong: Effect.Effect<unknown>) => {
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
            whole.push(joinChunks(parts))
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
