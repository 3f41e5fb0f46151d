/** The live view of a run: a line for each running spawn, and totals below. A fold over events, and its rendering. */
import type { LogEntry } from "../domain/event.schema.ts"
import { readSpawnNumber } from "../domain/ids.schema.ts"
import { describeActivity } from "../domain/run-state.schema.ts"
import { unknownModel, type Usage } from "../domain/spawn.schema.ts"
import {
  clipLine,
  fitLine,
  formatDuration,
  formatNumber,
  markStatus,
  measureWidth,
  renderTable,
  type Style,
} from "./style.render.ts"

type LiveSpawn = {
  readonly number: string
  readonly agent: string
  readonly model: string
  readonly startedAt: number
  readonly activity: string
}

export type LiveRun = {
  readonly startedAt: number
  readonly program: string
  /** The running spawns, by id. */
  readonly spawns: ReadonlyMap<string, LiveSpawn>
  readonly complete: number
  readonly failed: number
  readonly cancelled: number
  /** Usage of the finished spawns; `costKnown` is false once one of them has reported no cost. */
  readonly usage: {
    readonly inputTokens: number
    readonly outputTokens: number
    readonly costUsd: number
    readonly costKnown: boolean
  }
  readonly cancelling: boolean
}

export const newLiveRun: LiveRun = {
  startedAt: 0,
  program: "",
  spawns: new Map(),
  complete: 0,
  failed: 0,
  cancelled: 0,
  usage: { inputTokens: 0, outputTokens: 0, costUsd: 0, costKnown: true },
  cancelling: false,
}

const updateSpawn = (run: LiveRun, spawnId: string, change: (spawn: LiveSpawn) => LiveSpawn): LiveRun => {
  const spawn = run.spawns.get(spawnId)
  return spawn === undefined ? run : { ...run, spawns: new Map(run.spawns).set(spawnId, change(spawn)) }
}

const removeSpawn = (run: LiveRun, spawnId: string, usage: Usage | undefined): LiveRun => {
  const spawns = new Map(run.spawns)
  spawns.delete(spawnId)
  const { costKnown, costUsd, inputTokens, outputTokens } = run.usage
  return {
    ...run,
    spawns,
    usage: {
      inputTokens: inputTokens + (usage?.inputTokens ?? 0),
      outputTokens: outputTokens + (usage?.outputTokens ?? 0),
      costUsd: costUsd + (usage?.costUsd ?? 0),
      costKnown: costKnown && usage?.costUsd !== undefined,
    },
  }
}

export const foldEvent = (run: LiveRun, { event, known }: LogEntry): LiveRun => {
  if (!known) return run
  switch (event.type) {
    case "run:start":
      return {
        ...run,
        startedAt: Date.parse(event.timestamp),
        program: event.payload.programPath.split("/").at(-1) ?? "",
      }
    case "run:status":
      return { ...run, cancelling: event.payload.cancelling ?? run.cancelling }
    case "spawn:start": {
      const { defaultModel, input, spawnId } = event.payload
      const spawn = {
        number: `#${readSpawnNumber(spawnId)}`,
        agent: input.agent,
        model: input.model ?? defaultModel ?? unknownModel,
        startedAt: Date.parse(event.timestamp),
        activity: "",
      }
      return { ...run, spawns: new Map(run.spawns).set(spawnId, spawn) }
    }
    case "spawn:milestone":
    case "spawn:tool_call":
      return updateSpawn(run, event.payload.spawnId, (spawn) => ({
        ...spawn,
        activity: describeActivity(event),
      }))
    case "spawn:complete":
      return {
        ...removeSpawn(run, event.payload.spawnId, event.payload.result.usage),
        complete: run.complete + 1,
      }
    case "spawn:error":
      return {
        ...removeSpawn(run, event.payload.spawnId, event.payload.result?.usage),
        failed: run.failed + 1,
      }
    case "spawn:cancelled":
      return {
        ...removeSpawn(run, event.payload.spawnId, event.payload.result?.usage),
        cancelled: run.cancelled + 1,
      }
    default:
      return run
  }
}

const renderTotals = (run: LiveRun, style: Style): string => {
  const { costKnown, costUsd, inputTokens, outputTokens } = run.usage
  return [
    `${run.spawns.size} running`,
    `${run.complete} complete`,
    ...(run.failed === 0 ? [] : [style.red(`${run.failed} failed`)]),
    ...(run.cancelled === 0 ? [] : [style.yellow(`${run.cancelled} cancelled`)]),
    ...(inputTokens + outputTokens === 0
      ? []
      : [`${formatNumber(inputTokens)} tokens in, ${formatNumber(outputTokens)} out`]),
    ...(costUsd === 0 ? [] : [`${costKnown ? "" : "at least "}$${costUsd.toFixed(4)}`]),
  ].join(style.dim(" · "))
}

/** Renders a run in at most `rows` lines of `columns`. */
export const renderLiveRun = (
  runId: string,
  run: LiveRun,
  now: number,
  { columns, rows, style }: { readonly columns: number; readonly rows: number; readonly style: Style },
): ReadonlyArray<string> => {
  const elapsed = formatDuration(now - run.startedAt)
  const head = fitLine(
    `${runId}  ${run.program}  ${elapsed}${run.cancelling ? "  cancelling" : ""}`,
    columns - 2,
  )
  const room = Math.max(1, rows - 3)
  const running = [...run.spawns.values()]
  const shown = running.slice(0, running.length <= room ? room : room - 1)
  const cells = shown.map((spawn) => [
    { text: ` ${spawn.number}`, right: true, paint: style.dim },
    { text: fitLine(spawn.agent, Math.max(6, Math.floor(columns / 5))) },
    { text: fitLine(spawn.model, Math.max(6, Math.floor(columns / 5))), paint: style.dim },
    { text: formatDuration(now - spawn.startedAt), right: true },
  ])
  const widest = Math.max(
    0,
    ...renderTable(cells.map((row) => row.map(({ text }) => ({ text })))).map(measureWidth),
  )
  const activityWidth = columns - widest - 4
  const lines = renderTable(
    cells.map((row, index) => [
      ...row,
      {
        text: activityWidth < 8 ? "" : fitLine(shown[index]?.activity ?? "", activityWidth),
        paint: style.dim,
      },
    ]),
  )
  const more = running.length - shown.length
  return [
    `${style.cyan("●")} ${style.bold(head)}`,
    ...lines,
    ...(more === 0 ? [] : [style.dim(`   … and ${more} more`)]),
    `  ${renderTotals(run, style)}`,
  ]
    .slice(0, Math.max(1, rows))
    .map((line) => clipLine(line, columns))
}

/** Renders an event as a line, if it is one that people need to see. */
export const renderEvent = (
  { event, known }: LogEntry,
  columns: number,
  style: Style,
): string | undefined => {
  if (!known) return undefined
  const renderSpawn = (mark: string, spawnId: string, head: string, tail: string) => {
    const start = `#${readSpawnNumber(spawnId)} ${fitLine(head, 24)}`.trimEnd()
    return `${mark} ${start} ${style.dim(fitLine(tail, Math.max(20, columns - measureWidth(start) - 4)))}`
  }
  const paintMark = (status: Parameters<typeof markStatus>[0]) => {
    const { mark, paint } = markStatus(status, style)
    return paint(mark)
  }
  const { payload, type } = event
  switch (type) {
    case "run:log":
      return `${style.dim("│")} ${fitLine(payload.message, Math.max(20, columns - 3))}`
    case "spawn:start":
      return renderSpawn(
        paintMark("running"),
        payload.spawnId,
        payload.input.agent,
        `started (${payload.input.model ?? payload.defaultModel ?? unknownModel})`,
      )
    case "spawn:complete": {
      const { result, spawnId } = payload
      return renderSpawn(
        paintMark("complete"),
        spawnId,
        result.agent,
        `${formatDuration(result.durationMs)}  ${result.text}`,
      )
    }
    case "spawn:error":
      return renderSpawn(paintMark("error"), payload.spawnId, payload.result?.agent ?? "", payload.message)
    case "spawn:cancelled":
      return renderSpawn(
        paintMark("cancelled"),
        payload.spawnId,
        payload.result?.agent ?? "",
        payload.reason ?? "cancelled",
      )
    case "spawn:milestone":
      return renderSpawn(style.dim("·"), payload.spawnId, "", payload.message)
    case "spawn:tool_call":
      return renderSpawn(style.dim("·"), payload.spawnId, payload.toolName, payload.input ?? "")
    case "run:start":
      return `${paintMark("running")} ${payload.programPath} started`
    case "run:complete":
      return `${paintMark("complete")} complete`
    case "run:failed":
      return `${paintMark("failed")} failed: ${payload.message}`
    case "run:cancelled":
      return `${paintMark("cancelled")} cancelled${payload.reason === undefined ? "" : `: ${payload.reason}`}`
    case "run:status":
      return payload.cancelling === true ? `${paintMark("cancelled")} cancelling` : undefined
    case "extension:error":
      return `${paintMark("failed")} extension ${payload.extensionName} failed in ${payload.hook}: ${payload.message}`
  }
}
