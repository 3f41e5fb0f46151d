/** What `mill watch` tells, as JSON and for a person. */
import type { LogEntry } from "../domain/event.schema.ts"
import { readSpawnNumber, type RunId } from "../domain/ids.schema.ts"
import { eventLine } from "./live.render.ts"
import type { Style } from "./style.render.ts"

type IoLine = {
  readonly source: "driver" | "program"
  readonly stream: "stdout" | "stderr"
  readonly line: string
  readonly timestamp: string
  readonly spawnId?: string | undefined
}

/** An event, a printed line, or how many lines this reader was too slow for. */
export type WatchItem =
  | { readonly kind: "event"; readonly runId: RunId; readonly entry: LogEntry }
  | { readonly kind: "io"; readonly runId: RunId; readonly io: IoLine }
  | { readonly kind: "dropped"; readonly runId: RunId; readonly lines: number }

/** One line of JSON. */
export const watchItemJson = (item: WatchItem): string => {
  const { kind, runId } = item
  if (item.kind === "event") return JSON.stringify({ kind, runId, event: item.entry.event })
  return JSON.stringify(item.kind === "io" ? { kind, runId, ...item.io } : item)
}

/** A line for a person, or none when it is not worth one. `label` names the run. */
export const watchItemLine = (item: WatchItem, label: string, style: Style): ReadonlyArray<string> => {
  if (item.kind === "dropped") return [`${label}${style.yellow(`… ${item.lines} lines were dropped`)}`]
  if (item.kind === "event") {
    const line = eventLine(item.entry, 160, style)
    return line === undefined ? [] : [`${label}${line}`]
  }
  const { line, source, spawnId, stream } = item.io
  const from = spawnId === undefined ? source : `#${readSpawnNumber(spawnId)}`
  // What is printed goes to the terminal as text: it must not move the cursor or change the title.
  return [
    `${label}${style.dim(`${from} ${stream === "stderr" ? "!" : "│"}`)} ${line.replace(/[\p{Cc}]/gu, " ")}`,
  ]
}
