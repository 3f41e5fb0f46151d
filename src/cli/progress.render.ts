/** What a run that is waited for is doing: a line for each spawn that ends, and how many run. */
import type { LogEntry } from "../domain/event.schema.ts"
import { duration, oneLine, statusMark, type Style } from "./style.render.ts"

/** The counts that a progress line tells. */
export type Progress = { readonly running: number; readonly done: number; readonly failed: number }

export const noProgress: Progress = { running: 0, done: 0, failed: 0 }

/** The counts after one more event. */
export const progressAfter = (progress: Progress, { event, known }: LogEntry): Progress => {
  if (!known) return progress
  switch (event.type) {
    case "spawn:start":
      return { ...progress, running: progress.running + 1 }
    case "spawn:complete":
      return { ...progress, running: progress.running - 1, done: progress.done + 1 }
    case "spawn:error":
    case "spawn:cancelled":
      return { ...progress, running: progress.running - 1, failed: progress.failed + 1 }
    default:
      return progress
  }
}

/** The line at the foot of a terminal. */
export const progressLine = (progress: Progress, elapsedMillis: number, style: Style): string => {
  const { done, failed, running } = progress
  const parts = [
    `${running} running`,
    `${done} done`,
    ...(failed === 0 ? [] : [style.red(`${failed} failed`)]),
    duration(elapsedMillis),
  ]
  return `${style.cyan("●")} ${parts.join(style.dim(" · "))}`
}

/** An event as a line for a person, when it is worth one. */
export const eventLine = ({ event, known }: LogEntry, columns: number, style: Style): string | undefined => {
  if (!known) return undefined
  const line = (status: "complete" | "error" | "cancelled", spawnId: string, agent: string, tail: string) => {
    const { mark, paint } = statusMark(status, style)
    const head = `#${spawnId.slice("spawn_".length)} ${oneLine(agent, 24)}`
    return `${paint(mark)} ${head} ${style.dim(oneLine(tail, Math.max(20, columns - head.length - 4)))}`
  }
  switch (event.type) {
    case "run:log":
      return `${style.dim("│")} ${oneLine(event.payload.message, Math.max(20, columns - 3))}`
    case "spawn:start": {
      const { input, spawnId } = event.payload
      return `${style.cyan("●")} #${spawnId.slice("spawn_".length)} ${oneLine(input.agent, 24)} ${style.dim(`starts (${oneLine(input.model, 40)})`)}`
    }
    case "spawn:complete": {
      const { result, spawnId } = event.payload
      return line("complete", spawnId, result.agent, `${duration(result.durationMs)}  ${result.text}`)
    }
    case "spawn:error":
      return line("error", event.payload.spawnId, event.payload.result?.agent ?? "", event.payload.message)
    case "spawn:cancelled":
      return line(
        "cancelled",
        event.payload.spawnId,
        event.payload.result?.agent ?? "",
        event.payload.reason ?? "cancelled",
      )
    default:
      return undefined
  }
}
