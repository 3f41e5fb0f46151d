/** Shows runs as they go: a view that is redrawn in place in a terminal, plain lines elsewhere. */
import { Clock, Effect, Fiber, Schedule, Stream } from "effect"
import type { LogEntry } from "../domain/event.schema.ts"
import { isRunTerminal } from "../domain/event.schema.ts"
import { eventLine, liveAfter, liveLines, type LiveRun, newLiveRun } from "./live.render.ts"
import type { Style } from "./style.render.ts"

/** An event and the run that it belongs to. */
export type RunEvent = { readonly runId: string; readonly entry: LogEntry }

/** Where it is shown. `size` is asked for again for every frame; nothing means that it is no terminal. */
export type Screen<E> = {
  readonly style: Style
  readonly size: () => { readonly columns: number; readonly rows: number } | undefined
  readonly write: (text: string) => Effect.Effect<void, E>
}

const redrawInterval = "100 millis"

/** Frames are drawn as one (synchronised output), over the one before, each line cleared behind its end. */
const frameStart = "\u001b[?2026h"
const frameEnd = "\u001b[?2026l"
const hideCursor = "\u001b[?25l"
const showCursor = "\u001b[?25h"

/** Shows the events as they come, until they end. `label` names the run in plain lines. */
export const showLive = Effect.fnUntraced(function* <E, R, WE>(
  events: Stream.Stream<RunEvent, E, R>,
  screen: Screen<WE>,
  label: (runId: string) => string,
) {
  if (screen.size() === undefined) return yield* showPlain(events, screen, label)
  const runs = new Map<string, LiveRun>()
  let drawn = 0

  const draw = (above: ReadonlyArray<string>) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const { columns, rows } = screen.size() ?? { columns: 80, rows: 24 }
      const room = Math.floor((rows - 1) / Math.max(1, runs.size))
      const lines = [...runs].flatMap(([runId, run]) =>
        liveLines(runId, run, now, { columns, rows: room, style: screen.style }),
      )
      const back = drawn === 0 ? "" : `\u001b[${drawn}A\r`
      const body = [...above, ...lines].map((line) => `${line}\u001b[K\n`).join("")
      drawn = lines.length
      return screen.write(`${frameStart}${back}${body}\u001b[J${frameEnd}`)
    })

  /** What stays above the view: what went wrong, what the program says, how runs end. */
  const permanent = ({ entry, runId }: RunEvent): ReadonlyArray<string> => {
    const { event, known } = entry
    if (!known || !(isRunTerminal(event) || event.type === "run:log" || event.type === "spawn:error"))
      return []
    const line = eventLine(entry, (screen.size()?.columns ?? 80) - label(runId).length, screen.style)
    return line === undefined ? [] : [`${label(runId)}${line}`]
  }

  yield* screen.write(hideCursor)
  const ticking = yield* Effect.forkChild(
    Effect.ignore(Effect.repeat(draw([]), Schedule.spaced(redrawInterval))),
  )
  yield* Stream.runForEachArray(events, (batch) => {
    const above: Array<string> = []
    for (const one of batch) {
      const { event, known } = one.entry
      above.push(...permanent(one))
      if (known && isRunTerminal(event)) runs.delete(one.runId)
      else runs.set(one.runId, liveAfter(runs.get(one.runId) ?? newLiveRun, one.entry))
    }
    return above.length === 0 ? Effect.void : draw(above)
  }).pipe(
    Effect.ensuring(
      Fiber.interrupt(ticking).pipe(
        Effect.andThen(draw([])),
        Effect.andThen(screen.write(showCursor)),
        Effect.ignore,
      ),
    ),
  )
})

const showPlain = <E, R, WE>(
  events: Stream.Stream<RunEvent, E, R>,
  screen: Screen<WE>,
  label: (runId: string) => string,
) =>
  Stream.runForEachArray(events, (batch) => {
    const lines = batch.flatMap(({ entry, runId }) => {
      const line = eventLine(entry, 160, screen.style)
      return line === undefined ? [] : [`${label(runId)}${line}\n`]
    })
    return lines.length === 0 ? Effect.void : screen.write(lines.join(""))
  })
