/** Runs for people: a list, and a run in detail. */
import { readSpawnNumber } from "../domain/ids.schema.ts"
import { listCounts } from "../domain/run-summary.ts"
import type { RunRecord, RunResult, RunUsage } from "../domain/run.schema.ts"
import type { SpawnSummary } from "../domain/spawn.schema.ts"
import {
  type Cell,
  defaultColumns,
  fitLine,
  formatCount,
  formatDuration,
  formatNumber,
  markStatus,
  measureWidth,
  renderNextCommand,
  renderTable,
  type Style,
} from "./style.render.ts"

const formatElapsed = ({ completedAt, createdAt, startedAt }: RunRecord, now: number): string =>
  formatDuration(
    (completedAt === undefined ? now : Date.parse(completedAt)) - Date.parse(startedAt ?? createdAt),
  )

/** `now`, `12 s`, `5 m`, `3 h`, `2 d` */
const formatAge = (at: string, now: number): string => {
  const seconds = Math.max(0, Math.round((now - Date.parse(at)) / 1000))
  if (seconds < 5) return "now"
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m`
  return seconds < 86_400 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86_400)} d`
}

const renderCounts = ({ spawns }: RunRecord, style: Style): string => {
  const parts = listCounts(spawns).map(({ status, text }) => markStatus(status, style).paint(text))
  return spawns.started === 0 ? "none" : parts.join(style.dim(", "))
}

const renderUsage = (usage: RunUsage): string => {
  const formatDollars = (costUsd: number) => (costUsd === 0 ? "$0" : `$${costUsd.toFixed(4)}`)
  const { costUsd, costUsdAtLeast = 0 } = usage
  const cost =
    costUsd !== undefined
      ? formatDollars(costUsd)
      : costUsdAtLeast === 0
        ? "cost unknown"
        : `at least ${formatDollars(costUsdAtLeast)}`
  const unreported =
    usage.spawnsWithoutUsage === undefined
      ? ""
      : ` (${formatCount(usage.spawnsWithoutUsage, "spawn")} reported no usage)`
  return `${formatNumber(usage.inputTokens)} tokens in, ${formatNumber(usage.outputTokens)} out, ${cost}${unreported}`
}

/** Keeps the last `parts` parts of a path. */
const takeLastParts = (path: string, parts: number): string => path.split("/").slice(-parts).join("/")

type Row = ReadonlyArray<Cell>

/** Renders a table at most `columns` wide by cutting off its last cells. */
const renderFittedTable = (rows: ReadonlyArray<Row>, columns: number): ReadonlyArray<string> => {
  const others = renderTable(rows.map((row) => row.slice(0, -1).map(({ text }) => ({ text }))))
  const room = Math.max(12, columns - 2 - Math.max(0, ...others.map(measureWidth)))
  return renderTable(
    rows.map((row) =>
      row.map((cell, index) => (index < row.length - 1 ? cell : { ...cell, text: fitLine(cell.text, room) })),
    ),
  )
}

/** Renders a list of runs. A narrow list leaves out the drivers. */
export const renderRuns = (
  runs: ReadonlyArray<RunRecord>,
  now: number,
  style: Style,
  columns: number = defaultColumns,
): string => {
  const narrow = columns < 100
  const title = (text: string) => ({ text, paint: style.dim })
  return renderFittedTable(
    [
      [
        ...["", "RUN", "STATUS", "AGE", "ELAPSED", "SPAWNS"].map(title),
        ...(narrow ? [] : [title("DRIVER")]),
        title("PROGRAM"),
      ],
      ...runs.map((run) => {
        const { mark, paint } = markStatus(run.status, style)
        const { complete, error, started } = run.spawns
        const failures = error > 0 ? `, ${error} ✗` : ""
        return [
          { text: mark, paint },
          { text: run.id },
          { text: run.status, paint },
          { text: formatAge(run.createdAt, now), right: true },
          { text: formatElapsed(run, now), right: true },
          { text: started === 0 ? "–" : `${complete}/${started}${failures}` },
          ...(narrow ? [] : [{ text: run.driver }]),
          { text: takeLastParts(run.programPath, narrow ? 1 : 2), paint: style.dim },
        ]
      }),
    ],
    columns,
  ).join("\n")
}

const makeSpawnRow = (spawn: SpawnSummary, style: Style, columns: number): Row => {
  const { mark, paint } = markStatus(spawn.status, style)
  const outcome =
    spawn.status === "complete" ? spawn.text : (spawn.errorMessage ?? spawn.activity ?? spawn.status)
  return [
    { text: ` ${mark}`, paint },
    { text: `#${readSpawnNumber(spawn.spawnId)}`, right: true, paint: style.dim },
    { text: fitLine(spawn.agent, 24) },
    { text: fitLine(spawn.model, Math.max(12, Math.min(32, Math.floor(columns / 4)))), paint: style.dim },
    { text: formatDuration(spawn.durationMs), right: true },
    { text: outcome, paint: spawn.status === "complete" ? style.dim : paint },
  ]
}

const renderResult = ({ programResult }: RunResult, style: Style): ReadonlyArray<string> => {
  if (programResult === undefined) return []
  const text = typeof programResult === "string" ? programResult : JSON.stringify(programResult, null, 2)
  return ["", style.bold("Result"), ...text.split("\n").map((line) => `  ${line}`)]
}

const suggestCommands = (run: RunRecord): ReadonlyArray<string> =>
  run.status === "running" || run.status === "pending"
    ? [`mill wait ${run.id} --timeout 60`]
    : run.status === "failed"
      ? [`less ${run.paths.eventsFile}`]
      : []

/** Lists the sources that changed on disk after the run was submitted. */
const renderChangedSources = ({ changedSources = [] }: RunRecord, style: Style): ReadonlyArray<string> =>
  changedSources.map(
    ({ change, path }) =>
      `  ${style.yellow("≠")} ${path} ${change === "missing" ? "no longer exists" : "has changed since the run was submitted"}; the run uses its own copy`,
  )

/** Renders a run in detail, with its spawns in order of start. */
export const renderRun = (
  run: RunRecord,
  spawns: ReadonlyArray<SpawnSummary>,
  result: RunResult | undefined,
  now: number,
  style: Style,
  columns: number = defaultColumns,
): string => {
  const { mark, paint } = markStatus(run.status, style)
  const facts = renderTable(
    [
      ["program", run.programPath],
      ["driver", run.driver],
      [run.status === "running" ? "running for" : "elapsed", formatElapsed(run, now)],
      ["spawns", renderCounts(run, style)],
      ...(run.usage === undefined ? [] : [["usage", renderUsage(run.usage)]]),
      ...Object.entries(run.metadata ?? {}),
      ["directory", run.paths.runDir],
    ].map(([name = "", value = ""]) => [{ text: ` ${name}`, paint: style.dim }, { text: value }]),
  )
  const rows = renderFittedTable(
    spawns.map((spawn) => makeSpawnRow(spawn, style, columns)),
    columns,
  )
  const next = suggestCommands(run)
  return [
    `${paint(mark)} ${style.bold(run.id)} ${paint(run.status)}`,
    ...(run.errorMessage === undefined ? [] : [`  ${paint(fitLine(run.errorMessage, 400))}`]),
    ...(run.errorLocation === undefined ? [] : [`  ${style.dim("at")} ${run.errorLocation}`]),
    ...renderChangedSources(run, style),
    ...facts,
    ...(rows.length === 0 ? [] : ["", ...rows]),
    ...(result === undefined ? [] : renderResult(result, style)),
    ...(next.length === 0 ? [] : ["", ...next.map((command) => renderNextCommand(command, style))]),
  ].join("\n")
}
