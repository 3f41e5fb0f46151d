/**
 * What runs are doing, for a person: one line for each spawn that runs, the finished ones as counts, totals at the
 * foot. A pure fold over events and a pure drawing of its state.
 */
import type { LogEntry } from "../domain/event.schema.ts"
import { readSpawnNumber } from "../domain/ids.schema.ts"
import type { Usage } from "../domain/spawn.schema.ts"
import { duration, oneLine, statusMark, type Style, table } from "./style.render.ts"

type LiveSpawn = {
  readonly number: string
  readonly agent: string
  readonly model: string
  readonly startedAt: number
  readonly activity: string
}

/** A run as far as it is followed. `spawns` are those that run. */
export type LiveRun = {
  readonly startedAt: number
  readonly program: string
  readonly spawns: ReadonlyMap<string, LiveSpawn>
  readonly complete: number
  readonly failed: number
  readonly cancelled: number
  /** What the ended spawns used; `costKnown` is false when one of them did not tell its cost. */
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

const withSpawn = (run: LiveRun, spawnId: string, change: (spawn: LiveSpawn) => LiveSpawn): LiveRun => {
  const spawn = run.spawns.get(spawnId)
  return spawn === undefined ? run : { ...run, spawns: new Map(run.spawns).set(spawnId, change(spawn)) }
}

const withoutSpawn = (run: LiveRun, spawnId: string, usage: Usage | undefined): LiveRun => {
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

/** The state after one more event. */
export const liveAfter = (run: LiveRun, { event, known }: LogEntry): LiveRun => {
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
      const { input, spawnId } = event.payload
      const spawn = {
        number: `#${readSpawnNumber(spawnId)}`,
        agent: input.agent,
        model: input.model,
        startedAt: Date.parse(event.timestamp),
        activity: "",
      }
      return { ...run, spawns: new Map(run.spawns).set(spawnId, spawn) }
    }
    case "spawn:milestone": {
      const { message, spawnId } = event.payload
      return withSpawn(run, spawnId, (spawn) => ({ ...spawn, activity: message }))
    }
    case "spawn:tool_call": {
      const { input = "", spawnId, toolName } = event.payload
      return withSpawn(run, spawnId, (spawn) => ({ ...spawn, activity: `${toolName} ${input}` }))
    }
    case "spawn:complete":
      return {
        ...withoutSpawn(run, event.payload.spawnId, event.payload.result.usage),
        complete: run.complete + 1,
      }
    case "spawn:error":
      return {
        ...withoutSpawn(run, event.payload.spawnId, event.payload.result?.usage),
        failed: run.failed + 1,
      }
    case "spawn:cancelled":
      return { ...withoutSpawn(run, event.payload.spawnId, undefined), cancelled: run.cancelled + 1 }
    default:
      return run
  }
}

const totals = (run: LiveRun, style: Style): string => {
  const { costKnown, costUsd, inputTokens, outputTokens } = run.usage
  const number = (n: number) => n.toLocaleString("en-US")
  return [
    `${run.spawns.size} running`,
    `${run.complete} done`,
    ...(run.failed === 0 ? [] : [style.red(`${run.failed} failed`)]),
    ...(run.cancelled === 0 ? [] : [style.yellow(`${run.cancelled} cancelled`)]),
    ...(inputTokens + outputTokens === 0
      ? []
      : [`${number(inputTokens)} tokens in, ${number(outputTokens)} out`]),
    ...(costUsd === 0 ? [] : [`${costKnown ? "" : "at least "}$${costUsd.toFixed(4)}`]),
  ].join(style.dim(" · "))
}

/** The run's lines: no wider than `columns`, no more than `rows`. */
export const liveLines = (
  runId: string,
  run: LiveRun,
  now: number,
  { columns, rows, style }: { readonly columns: number; readonly rows: number; readonly style: Style },
): ReadonlyArray<string> => {
  const elapsed = duration(now - run.startedAt)
  const head = oneLine(
    `${runId}  ${run.program}  ${elapsed}${run.cancelling ? "  cancelling" : ""}`,
    columns - 2,
  )
  const room = Math.max(1, rows - 3)
  const running = [...run.spawns.values()]
  const shown = running.slice(0, running.length <= room ? room : room - 1)
  const cells = shown.map((spawn) => [
    { text: ` ${spawn.number}`, right: true, paint: style.dim },
    { text: oneLine(spawn.agent, Math.max(6, Math.floor(columns / 5))) },
    { text: oneLine(spawn.model, Math.max(6, Math.floor(columns / 5))), paint: style.dim },
    { text: duration(now - spawn.startedAt), right: true },
  ])
  const widest = Math.max(
    0,
    ...table(cells.map((row) => row.map(({ text }) => ({ text })))).map((row) => row.length),
  )
  const activityWidth = columns - widest - 4
  const lines = table(
    cells.map((row, index) => [
      ...row,
      {
        text: activityWidth < 8 ? "" : oneLine(shown[index]?.activity ?? "", activityWidth),
        paint: style.dim,
      },
    ]),
  )
  const more = running.length - shown.length
  return [
    `${style.cyan("●")} ${style.bold(head)}`,
    ...lines,
    ...(more === 0 ? [] : [style.dim(`   … and ${more} more`)]),
    `  ${totals(run, style)}`,
  ]
}

/** An event as one line, when it is worth one: what has started, what has ended and how. */
export const eventLine = ({ event, known }: LogEntry, columns: number, style: Style): string | undefined => {
  if (!known) return undefined
  const line = (mark: string, spawnId: string, head: string, tail: string) => {
    const start = `#${readSpawnNumber(spawnId)} ${oneLine(head, 24)}`
    return `${mark} ${start} ${style.dim(oneLine(tail, Math.max(20, columns - start.length - 4)))}`
  }
  const marked = (status: Parameters<typeof statusMark>[0]) => {
    const { mark, paint } = statusMark(status, style)
    return paint(mark)
  }
  const { payload, type } = event
  switch (type) {
    case "run:log":
      return `${style.dim("│")} ${oneLine(payload.message, Math.max(20, columns - 3))}`
    case "spawn:start":
      return line(marked("running"), payload.spawnId, payload.input.agent, `starts (${payload.input.model})`)
    case "spawn:complete": {
      const { result, spawnId } = payload
      return line(marked("complete"), spawnId, result.agent, `${duration(result.durationMs)}  ${result.text}`)
    }
    case "spawn:error":
      return line(marked("error"), payload.spawnId, payload.result?.agent ?? "", payload.message)
    case "spawn:cancelled":
      return line(
        marked("cancelled"),
        payload.spawnId,
        payload.result?.agent ?? "",
        payload.reason ?? "cancelled",
      )
    case "spawn:milestone":
      return line(style.dim("·"), payload.spawnId, "", payload.message)
    case "spawn:tool_call":
      return line(style.dim("·"), payload.spawnId, payload.toolName, payload.input ?? "")
    case "run:start":
      return `${marked("running")} ${payload.programPath} starts`
    case "run:complete":
      return `${marked("complete")} complete`
    case "run:failed":
      return `${marked("failed")} failed: ${payload.message}`
    case "run:cancelled":
      return `${marked("cancelled")} cancelled${payload.reason === undefined ? "" : `: ${payload.reason}`}`
    case "run:status":
      return payload.cancelling === true ? `${marked("cancelled")} cancelling` : undefined
    case "extension:error":
      return `${marked("failed")} extension ${payload.extensionName}, ${payload.hook}: ${payload.message}`
  }
}
