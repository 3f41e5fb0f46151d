/** Shows runs live: a view redrawn in place in a terminal, plain lines elsewhere. */
import { Clock, Effect, Fiber, Schedule, Stream } from "effect"
import type { LogEntry } from "../domain/event.schema.ts"
import { isRunTerminal } from "../domain/event.schema.ts"
import { foldEvent, type LiveRun, newLiveRun, renderEvent, renderLiveRun } from "./live.render.ts"
import { defaultColumns, type Style } from "./style.render.ts"

/** An event and its run. */
type RunEvent = { readonly runId: string; readonly entry: LogEntry }

/** An event of a run, or lines to show above its view. */
export type LiveItem = RunEvent | { readonly runId: string; readonly lines: ReadonlyArray<string> }

/** Where to show runs. `size` is read for every frame, and is undefined when this is not a terminal. */
export type Screen<E> = {
  readonly style: Style
  readonly size: () => { readonly columns: number; readonly rows: number } | undefined
  readonly write: (text: string) => Effect.Effect<void, E>
  /** Stops the terminal from showing typed characters, which would move the cursor. Returns a function that undoes this. */
  readonly muteKeyboard: () => () => void
}

const redrawInterval = "100 millis"

/** Synchronised output: the terminal shows a frame at once. Each frame overwrites the one before. */
const frameStart = "\u001b[?2026h"
const frameEnd = "\u001b[?2026l"
const eraseLine = "\u001b[K"
const eraseBelow = "\u001b[J"
const hideCursor = "\u001b[?25l"
const showCursor = "\u001b[?25h"

/** Shows events until their stream ends. `label` names the run in lines outside the live view. */
export const showLive = Effect.fnUntraced(function* <E, R, WE>(
  items: Stream.Stream<LiveItem, E, R>,
  screen: Screen<WE>,
  label: (runId: string) => string,
) {
  if (screen.size() === undefined) return yield* showLines(items, screen, label)
  const runs = new Map<string, LiveRun>()
  let drawn = 0

  const draw = (above: ReadonlyArray<string>) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const { columns, rows } = screen.size() ?? { columns: 80, rows: 24 }
      const rowsPerRun = Math.floor((rows - 1) / Math.max(1, runs.size))
      // Leaves one column free: a terminal may wrap a line that fills the last one.
      const lines = [...runs]
        .flatMap(([runId, run]) =>
          renderLiveRun(runId, run, now, { columns: columns - 1, rows: rowsPerRun, style: screen.style }),
        )
        .slice(0, Math.max(1, rows - 1))
      const back = drawn === 0 ? "" : `\u001b[${drawn}A\r`
      // Erases the old view first, because the lines above it may wrap into it.
      const clear = above.length === 0 ? "" : eraseBelow
      const body = [...above, ...lines].map((line) => `${eraseLine}${line}\n`).join("")
      drawn = lines.length
      return screen.write(`${frameStart}${back}${clear}${body}${eraseBelow}${frameEnd}`)
    })

  /** Renders what scrolls up above the view: failures, log messages, ends of runs and the output of programs. */
  const renderAbove = (item: LiveItem): ReadonlyArray<string> => {
    if ("lines" in item) return item.lines
    const { entry, runId } = item
    const { event, known } = entry
    if (!known || !(isRunTerminal(event) || event.type === "run:log" || event.type === "spawn:error"))
      return []
    const line = renderEvent(entry, (screen.size()?.columns ?? 80) - label(runId).length, screen.style)
    return line === undefined ? [] : [`${label(runId)}${line}`]
  }

  yield* Effect.acquireRelease(Effect.sync(screen.muteKeyboard), (restore) => Effect.sync(restore))
  yield* screen.write(hideCursor)
  const redrawing = yield* Effect.forkChild(
    Effect.ignore(Effect.repeat(draw([]), Schedule.spaced(redrawInterval))),
  )
  yield* Stream.runForEachArray(items, (batch) => {
    for (const item of batch) {
      if ("lines" in item) continue
      const { entry, runId } = item
      const { event, known } = entry
      if (known && isRunTerminal(event)) runs.delete(runId)
      else runs.set(runId, foldEvent(runs.get(runId) ?? newLiveRun, entry))
    }
    const above = batch.flatMap(renderAbove)
    return above.length === 0 ? Effect.void : draw(above)
  }).pipe(
    Effect.ensuring(
      Fiber.interrupt(redrawing).pipe(
        Effect.andThen(draw([])),
        Effect.andThen(screen.write(showCursor)),
        Effect.ignore,
      ),
    ),
  )
}, Effect.scoped)

const showLines = <E, R, WE>(
  items: Stream.Stream<LiveItem, E, R>,
  screen: Screen<WE>,
  label: (runId: string) => string,
) =>
  Stream.runForEachArray(items, (batch) => {
    const lines = batch.flatMap((item) => {
      if ("lines" in item) return item.lines
      const line = renderEvent(item.entry, defaultColumns, screen.style)
      return line === undefined ? [] : [`${label(item.runId)}${line}`]
    })
    return lines.length === 0 ? Effect.void : screen.write(lines.map((line) => `${line}\n`).join(""))
  })
