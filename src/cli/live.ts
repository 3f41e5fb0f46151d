/** Shows runs live: a view redrawn in place in a terminal, plain lines elsewhere. */
import { Clock, Effect, Fiber, Latch, Stream } from "effect"
import type { LogEntry } from "../domain/event.schema.ts"
import { isRunTerminal } from "../domain/event.schema.ts"
import { type Block, nothingOff, placeBlock, renderFrame, type TerminalSize } from "./live-block.ts"
import { foldEvent, type LiveRun, newLiveRun, renderEvent, renderLiveRun } from "./live.render.ts"
import { defaultColumns, type Style } from "./style.render.ts"

/** An event and its run. */
type RunEvent = { readonly runId: string; readonly entry: LogEntry }

/** An event of a run, or lines to show above its view. */
export type LiveItem = RunEvent | { readonly runId: string; readonly lines: ReadonlyArray<string> }

/** Where to show runs. `size` is read for every frame, and is undefined when this is not a terminal. */
export type Screen<E> = {
  readonly style: Style
  readonly size: () => TerminalSize | undefined
  readonly write: (text: string) => Effect.Effect<void, E>
  readonly terminal: Terminal
}

/** What the live view needs of a terminal. */
export type Terminal = {
  /** Stops the terminal from showing typed characters, which would move the cursor. Returns a function that undoes this. */
  readonly muteKeyboard: () => () => void
  /** Calls back on each change of size. Returns a function that stops listening. */
  readonly onResize: (listener: () => void) => () => void
  /** Whether the terminal wraps lines that no longer fit when it becomes narrower, instead of cutting them. */
  readonly doesReflow: boolean
}

const redrawInterval = "100 millis"

/**
 * While the size changes, nothing is drawn: what is not there cannot wrap. tmux reports the last of several changes
 * 250 ms late.
 */
const settleMillis = 300

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
  const readSize = () => screen.size() ?? { columns: 80, rows: 24 }
  let block: Block = { size: readSize(), lines: [], scrolledOff: nothingOff }
  let resizedAt = Number.NEGATIVE_INFINITY

  const render = (now: number, { columns, rows }: TerminalSize) => {
    const rowsPerRun = Math.floor((rows - 1) / Math.max(1, runs.size))
    // Leaves one column free: a terminal may wrap a line that fills the last one.
    return [...runs]
      .flatMap(([runId, run]) =>
        renderLiveRun(runId, run, now, { columns: columns - 1, rows: rowsPerRun, style: screen.style }),
      )
      .slice(0, Math.max(1, rows - 1))
  }

  const draw = (above: ReadonlyArray<string>, isLast = false) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const size = readSize()
      const { isResized, rowsBack, scrolledOff } = placeBlock(block, size, screen.terminal.doesReflow)
      if (isResized) resizedAt = now
      const lines = now - resizedAt < settleMillis && !isLast ? [] : render(now, size)
      block = { size, lines, scrolledOff: above.length === 0 ? scrolledOff : nothingOff }
      return rowsBack + above.length + lines.length === 0
        ? Effect.void
        : screen.write(renderFrame(rowsBack, isResized, above, lines))
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

  const resized = Latch.makeUnsafe()
  const acquire = (start: () => () => void) =>
    Effect.acquireRelease(Effect.sync(start), (stop) => Effect.sync(stop))
  yield* acquire(screen.terminal.muteKeyboard)
  yield* acquire(() => screen.terminal.onResize(() => void resized.openUnsafe()))
  yield* screen.write(hideCursor)
  const drawNext = Effect.sync(() => resized.closeUnsafe()).pipe(
    Effect.andThen(draw([])),
    Effect.andThen(Effect.timeoutOption(resized.await, redrawInterval)),
  )
  const redrawing = yield* Effect.forkChild(Effect.ignore(Effect.forever(drawNext)))
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
        Effect.andThen(draw([], true)),
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
