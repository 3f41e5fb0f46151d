/** The items that `mill watch` prints, as text and as JSON. */
import type { IoLine } from "../domain/engine.schema.ts"
import type { LogEntry } from "../domain/event.schema.ts"
import { readSpawnNumber, type RunId } from "../domain/ids.schema.ts"
import { showLine } from "../domain/shown-line.ts"
import { renderEvent } from "./live.render.ts"
import { defaultColumns, formatCount, type Style } from "./style.render.ts"

export type WatchedEvent = { readonly kind: "event"; readonly runId: RunId; readonly entry: LogEntry }

/** An event, an output line, or the number of lines dropped because this reader was too slow. */
export type WatchItem =
  | WatchedEvent
  | { readonly kind: "io"; readonly runId: RunId; readonly io: IoLine }
  | { readonly kind: "dropped"; readonly runId: RunId; readonly lines: number }

export const renderWatchItemJson = (item: WatchItem): string => {
  const { kind, runId } = item
  if (item.kind === "event") return JSON.stringify({ kind, runId, event: item.entry.event })
  return JSON.stringify(item.kind === "io" ? { kind, runId, ...item.io } : item)
}

/** A line for people, or none for an event that they need not see. `label` names the run. */
export const renderWatchItem = (item: WatchItem, label: string, style: Style): ReadonlyArray<string> => {
  if (item.kind === "dropped")
    return [`${label}${style.yellow(`… ${formatCount(item.lines, "line")} dropped`)}`]
  if (item.kind === "event") {
    const line = renderEvent(item.entry, defaultColumns, style)
    return line === undefined ? [] : [`${label}${line}`]
  }
  const { line, source, spawnId, stream } = item.io
  const from = spawnId === undefined ? source : `#${readSpawnNumber(spawnId)}`
  return [`${label}${style.dim(`${from} ${stream === "stderr" ? "!" : "│"}`)} ${showLine(line)}`]
}
