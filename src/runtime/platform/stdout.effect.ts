/** Standard output, as Bun alone can watch it. */
import { fstatSync, openSync } from "node:fs"
import { Effect } from "effect"

/**
 * Waits until nobody reads standard output any more, as when `head` has seen enough: also while nothing is written,
 * which is the only time at which a failing write would tell. Waits for ever where standard output is no pipe.
 *
 * A second descriptor of the pipe is watched: Bun closes the one that it was given when the watch ends.
 */
export const stdoutClosed = Effect.callback<void>((resume) => {
  if (!fstatSync(1).isFIFO()) return
  const fd = openSync("/dev/fd/1", "w")
  const socket = { data: () => undefined, close: () => resume(Effect.void) }
  // Bun takes an open descriptor here, which the types of `connect` leave out.
  const watching: unknown = Reflect.apply(Bun.connect, Bun, [{ fd, socket }])
  // Held until then: what nobody holds is collected, and closed.
  return Effect.sync(() => void watching)
})
