/** Shows on stderr what a run does while it is waited for: redrawn in a terminal, plain lines elsewhere. */
import { Clock, Effect, Fiber, Schedule, Stream } from "effect"
import type { LogEntry } from "../domain/event.schema.ts"
import { Output } from "./output.command.ts"
import { eventLine, noProgress, progressAfter, progressLine } from "./progress.render.ts"

const clearLine = "\r\u001b[2K"

/** Shows the events as they come, until they end. */
export const showProgress = Effect.fnUntraced(function* <E, R>(events: Stream.Stream<LogEntry, E, R>) {
  const { columns, err, errStyle, writeErr } = yield* Output
  const startedAt = yield* Clock.currentTimeMillis
  let progress = noProgress
  const tell = (entry: LogEntry) => {
    progress = progressAfter(progress, entry)
    return eventLine(entry, columns ?? 120, errStyle)
  }
  if (columns === undefined) {
    return yield* Stream.runForEach(events, (entry) => {
      const line = tell(entry)
      return line === undefined ? Effect.void : err(line)
    })
  }
  const draw = Effect.flatMap(Clock.currentTimeMillis, (now) =>
    writeErr(`${clearLine}${progressLine(progress, now - startedAt, errStyle)}`),
  )
  const ticking = yield* Effect.forkChild(Effect.repeat(draw, Schedule.spaced("100 millis")))
  yield* Stream.runForEach(events, (entry) => {
    const line = tell(entry)
    return line === undefined ? Effect.void : Effect.andThen(writeErr(`${clearLine}${line}\n`), draw)
  }).pipe(Effect.ensuring(Effect.andThen(Fiber.interrupt(ticking), writeErr(clearLine))))
})
