/** Runs as a person reads them: in a list, and one in detail. */
import type { RunRecord, RunResult, RunUsage } from "../domain/run.schema.ts"
import type { SpawnSummary } from "../domain/spawn.schema.ts"
import { duration, number, oneLine, plural, statusMark, type Style, table } from "./style.render.ts"

const millisBetween = (from: string, to: string): number => Date.parse(to) - Date.parse(from)

const elapsed = (run: RunRecord, now: number): string =>
  duration(
    run.completedAt === undefined
      ? now - Date.parse(run.startedAt ?? run.createdAt)
      : millisBetween(run.startedAt ?? run.createdAt, run.completedAt),
  )

/** How long ago, roughly: `now`, `5 m`, `3 h`, `2 d`. */
const age = (at: string, now: number): string => {
  const seconds = Math.max(0, Math.round((now - Date.parse(at)) / 1000))
  if (seconds < 5) return "now"
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m`
  return seconds < 86_400 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86_400)} d`
}

/** The counts that are not zero. */
const countsLine = ({ spawns }: RunRecord, style: Style): string => {
  const parts = [
    spawns.running > 0 ? style.cyan(`${spawns.running} running`) : "",
    spawns.complete > 0 ? style.green(`${spawns.complete} complete`) : "",
    spawns.error > 0 ? style.red(`${spawns.error} failed`) : "",
    spawns.cancelled > 0 ? style.yellow(`${spawns.cancelled} cancelled`) : "",
  ].filter((part) => part !== "")
  return spawns.started === 0 ? "none" : parts.join(style.dim(", "))
}

const usageLine = (usage: RunUsage): string => {
  const dollars = (costUsd: number) => (costUsd === 0 ? "$0" : `$${costUsd.toFixed(4)}`)
  const { costUsd, costUsdAtLeast = 0 } = usage
  const cost =
    costUsd !== undefined
      ? dollars(costUsd)
      : costUsdAtLeast === 0
        ? "cost unknown"
        : `at least ${dollars(costUsdAtLeast)}`
  const silent =
    usage.spawnsWithoutUsage === undefined
      ? ""
      : ` (${plural(usage.spawnsWithoutUsage, "spawn")} did not say)`
  return `${number(usage.inputTokens)} tokens in, ${number(usage.outputTokens)} out, ${cost}${silent}`
}

/** The last `parts` parts of a path. */
const shortPath = (path: string, parts: number): string => path.split("/").slice(-parts).join("/")

type Row = Parameters<typeof table>[0][number]

/** How wide a table is taken to be where no terminal says so. */
const defaultColumns = 132

/** A table of at most `columns` columns: what does not fit is cut off the last cells. */
const fitted = (rows: ReadonlyArray<Row>, columns: number): ReadonlyArray<string> => {
  const others = table(rows.map((row) => row.slice(0, -1).map(({ text }) => ({ text }))))
  const room = Math.max(12, columns - 2 - Math.max(0, ...others.map((line) => line.length)))
  return table(
    rows.map((row) =>
      row.map((cell, index) => (index < row.length - 1 ? cell : { ...cell, text: oneLine(cell.text, room) })),
    ),
  )
}

/** A list of runs, newest first, `columns` wide. Where there is little room, drivers are left out. */
export const renderRuns = (
  runs: ReadonlyArray<RunRecord>,
  now: number,
  style: Style,
  columns: number = defaultColumns,
): string => {
  const narrow = columns < 100
  const title = (text: string) => ({ text, paint: style.dim })
  return fitted(
    [
      [
        ...["", "RUN", "STATUS", "AGE", "TOOK", "SPAWNS"].map(title),
        ...(narrow ? [] : [title("DRIVER")]),
        title("PROGRAM"),
      ],
      ...runs.map((run) => {
        const { mark, paint } = statusMark(run.status, style)
        const { complete, error, started } = run.spawns
        const failures = error > 0 ? `, ${error} ✗` : ""
        return [
          { text: mark, paint },
          { text: run.id },
          { text: run.status, paint },
          { text: age(run.createdAt, now), right: true },
          { text: elapsed(run, now), right: true },
          { text: started === 0 ? "–" : `${complete}/${started}${failures}` },
          ...(narrow ? [] : [{ text: run.driver }]),
          { text: shortPath(run.programPath, narrow ? 1 : 2), paint: style.dim },
        ]
      }),
    ],
    columns,
  ).join("\n")
}

const spawnRow = (spawn: SpawnSummary, style: Style, columns: number): Row => {
  const { mark, paint } = statusMark(spawn.status, style)
  const said = spawn.status === "complete" ? spawn.text : (spawn.errorMessage ?? spawn.status)
  return [
    { text: ` ${mark}`, paint },
    { text: spawn.spawnId.replace("spawn_", "#"), right: true, paint: style.dim },
    { text: oneLine(spawn.agent, 24) },
    { text: oneLine(spawn.model, Math.max(12, Math.min(32, Math.floor(columns / 4)))), paint: style.dim },
    { text: duration(spawn.durationMs), right: true },
    { text: said, paint: spawn.status === "complete" ? style.dim : paint },
  ]
}

const programResultLines = (result: RunResult, style: Style): ReadonlyArray<string> => {
  if (result.programResult === undefined) return []
  const text =
    typeof result.programResult === "string"
      ? result.programResult
      : JSON.stringify(result.programResult, null, 2)
  return ["", style.bold("Result"), ...text.split("\n").map((line) => `  ${line}`)]
}

/** What to type next. */
const nextCommands = (run: RunRecord): ReadonlyArray<string> =>
  run.status === "running" || run.status === "pending"
    ? [`mill wait ${run.id} --timeout 60`]
    : run.status === "failed"
      ? [`less ${run.paths.eventsFile}`]
      : []

/** Which of the run's sources are not on disk any more as it has them. */
const changedLines = ({ changedSources = [] }: RunRecord, style: Style): ReadonlyArray<string> =>
  changedSources.map(
    ({ change, path }) =>
      `  ${style.yellow("≠")} ${path} ${change === "missing" ? "is not there any more" : "has been edited since"}; the run has its own copy`,
  )

/** One run in detail, `columns` wide; `spawns` are those that are known, in order of start. */
export const renderRun = (
  run: RunRecord,
  spawns: ReadonlyArray<SpawnSummary>,
  result: RunResult | undefined,
  now: number,
  style: Style,
  columns: number = defaultColumns,
): string => {
  const { mark, paint } = statusMark(run.status, style)
  const facts = table(
    [
      ["program", run.programPath],
      ["driver", run.driver],
      ["took", elapsed(run, now)],
      ["spawns", countsLine(run, style)],
      ...(run.usage === undefined ? [] : [["usage", usageLine(run.usage)]]),
      ...Object.entries(run.metadata ?? {}),
      ["folder", run.paths.runDir],
    ].map(([name = "", value = ""]) => [{ text: ` ${name}`, paint: style.dim }, { text: value }]),
  )
  const rows = fitted(
    spawns.map((spawn) => spawnRow(spawn, style, columns)),
    columns,
  )
  const next = nextCommands(run)
  return [
    `${paint(mark)} ${style.bold(run.id)} ${paint(run.status)}`,
    ...(run.errorMessage === undefined ? [] : [`  ${paint(oneLine(run.errorMessage, 400))}`]),
    ...(run.errorLocation === undefined ? [] : [`  ${style.dim("at")} ${run.errorLocation}`]),
    ...changedLines(run, style),
    ...facts,
    ...(rows.length === 0 ? [] : ["", ...rows]),
    ...(result === undefined ? [] : programResultLines(result, style)),
    ...(next.length === 0 ? [] : ["", ...next.map((command) => ` ${style.dim("→")} ${command}`)]),
  ].join("\n")
}
