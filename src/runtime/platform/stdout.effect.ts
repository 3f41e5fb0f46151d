/** Notices when the reader of standard output is gone, through Bun's sockets. */
import { fstatSync, openSync } from "node:fs"
import { Effect } from "effect"

/**
 * Waits until the reader of standard output is gone, as with `| head`, even while mill writes nothing. Waits forever where
 * standard output is not a pipe.
 *
 * Bun closes the descriptor when it stops watching, so this watches a second descriptor of the pipe.
 */
export const awaitStdoutClosed = Effect.callback<void>((resume) => {
  if (!fstatSync(1).isFIFO()) return
  const fd = openSync("/dev/fd/1", "w")
  const socket = { data: () => undefined, close: () => resume(Effect.void) }
  // Bun accepts an open descriptor here; the types of `connect` do not know it.
  const watching: unknown = Reflect.apply(Bun.connect, Bun, [{ fd, socket }])
  // Keeps a reference: Bun would collect the socket and close it.
  return Effect.sync(() => void watching)
})
