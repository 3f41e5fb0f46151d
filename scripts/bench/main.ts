/**
 * Measures the shipped mill as users see it, alongside the machine's own costs in the same run.
 *
 * Usage: bun run bench [--quick] [--json] [--growth] [--ends <samples>] [--only <words of a row>] [--mill <command>] [--compare <command>]
 *
 * The repetitions of a row alternate between the machine's costs and the compared commands, so that a noisy moment affects
 * all of them.
 */
import { existsSync } from "node:fs"
import { join, resolve } from "node:path"
import { parseArgs } from "node:util"
import { renderTable } from "../../src/cli/style.render.ts"
import { isBusy, measureEnds, renderEnds } from "./ends.ts"
import { emptyProcess, type Floor, machineFloors } from "./floors.ts"
import { type Curve, growth } from "./growth.ts"
import { type Effort, type Row, rows } from "./rows.ts"
import { busyFactor, isFloorBusy, type Summary, summarise } from "./stats.ts"
import { makeWorld, type World } from "./world.ts"

const root = resolve(import.meta.dirname, "../..")
const { values } = parseArgs({
  options: {
    quick: { type: "boolean" },
    json: { type: "boolean" },
    growth: { type: "boolean" },
    ends: { type: "string" },
    only: { type: "string" },
    mill: { type: "string" },
    compare: { type: "string" },
  },
})
const quick = values.quick === true
const effort: Effort = quick ? { repeats: 15, few: 2, sequence: 100 } : { repeats: 40, few: 7, sequence: 300 }

const bundle = join(root, "dist/mill.js")
const executable = join(root, "dist/mill")
const splitWords = (command: string) =>
  command.split(" ").map((word) => (existsSync(word) ? resolve(word) : word))
const bundled = [process.execPath, bundle]

type Contender = {
  readonly name: string
  readonly command: ReadonlyArray<string>
  readonly executable: boolean
}
const toContender = (command: string): Contender => ({
  name: command,
  command: splitWords(command),
  executable: false,
})
const contenders: ReadonlyArray<Contender> = [
  values.mill === undefined
    ? { name: "bundle", command: bundled, executable: false }
    : toContender(values.mill),
  ...(values.mill === undefined && existsSync(executable)
    ? [{ name: "executable", command: [executable], executable: true }]
    : []),
  ...(values.compare === undefined ? [] : [toContender(values.compare)]),
]
if (values.mill === undefined && !existsSync(bundle)) {
  console.error(
    "bench: dist is empty; run `bun run build` first, and `bun run build:binary` to measure the executable as well",
  )
  process.exit(2)
}

/** `holds` is missing without a target, after an error, and on a busy machine. */
type Figure = Summary & { readonly holds?: boolean; readonly error?: string }
type Line = {
  readonly name: string
  readonly unit: Row["unit"]
  readonly of: Row["of"]
  readonly target: number
  readonly bound?: string
  /** What the machine needs without mill. */
  readonly floor: Summary & Pick<Floor, "name" | "unit">
  readonly figures: Readonly<Record<string, Figure>>
}

const machineSamples = new Map<string, Array<number>>(machineFloors.map(({ name }) => [name, []]))

/** Samples the machine's floors, and returns the sample of this floor. */
const sampleFloors = async (floor: Floor): Promise<number> => {
  let sampled: number | undefined
  for (const one of machineFloors) {
    const sample = await one.measure()
    machineSamples.get(one.name)?.push(sample)
    if (one === floor) sampled = sample
  }
  return sampled ?? floor.measure()
}

const measureRow = async (row: Row): Promise<Line> => {
  const worlds = contenders.map((contender) => ({ contender, world: makeWorld(contender.command) }))
  const samples = new Map<string, Array<number>>(contenders.map(({ name }) => [name, []]))
  const floorSamples: Array<number> = []
  const errors = new Map<string, string>()
  const attempt = async (name: string, work: () => unknown) => {
    if (errors.has(name)) return
    try {
      await work()
    } catch (error) {
      // A compared command may lack a feature: measure the others.
      const message = error instanceof Error ? error.message : String(error)
      errors.set(name, message)
      console.error(`${row.name}, ${name}: ${message}`)
    }
  }
  for (const { contender, world } of worlds) await attempt(contender.name, () => row.prepare?.(world))
  for (let time = 0; time < row.times(effort); time++) {
    floorSamples.push(await sampleFloors(row.floor))
    for (const { contender, world } of worlds) {
      await attempt(contender.name, async () =>
        samples.get(contender.name)?.push(...(await row.measure(world, effort))),
      )
    }
  }
  for (const { world } of worlds) world.remove()
  const figures = worlds.map(({ contender }): [string, Figure] => {
    const summary = summarise(samples.get(contender.name) ?? [])
    const error = errors.get(contender.name)
    return [contender.name, { ...summary, ...(error === undefined ? {} : { error }) }]
  })
  const { bound, floor, name, of, target, unit } = row
  return {
    name,
    unit,
    of,
    target,
    ...(bound === undefined ? {} : { bound }),
    floor: { name: floor.name, unit: floor.unit, ...summarise(floorSamples) },
    figures: Object.fromEntries(figures),
  }
}

/** Adds to each figure of a row whether it meets its target. */
const judge = (row: Row, line: Line): Line => {
  const judged = contenders.flatMap(({ executable, name }): ReadonlyArray<[string, Figure]> => {
    const figure = line.figures[name]
    const target = executable ? row.executable : row.target
    if (figure === undefined || figure.error !== undefined || target === undefined) return []
    return [[name, { ...figure, holds: figure[row.of] <= target }]]
  })
  return { ...line, figures: { ...line.figures, ...Object.fromEntries(judged) } }
}

const formatValue = (value: number, unit: string): string => {
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : 3
  return `${Number.isNaN(value) ? "–" : value.toFixed(digits)} ${unit}`
}

/** Aligns the first column left, and figures right. */
const formatTable = (lines: ReadonlyArray<ReadonlyArray<string>>): string =>
  renderTable(lines.map((line) => line.map((text, column) => ({ text, right: column > 0 })))).join("\n")

const renderLines = (lines: ReadonlyArray<Line>): string =>
  formatTable([
    ["", "without mill", "target", ...contenders.flatMap(({ name }) => [name, "p99", ""])],
    ...lines.map(({ figures, floor, name, of, target, unit }) => [
      name,
      `${floor.name}: ${formatValue(floor.median, floor.unit)}`,
      `${of === "p99" ? "p99 " : ""}≤ ${formatValue(target, unit)}`,
      ...contenders.flatMap((contender) => {
        const figure = figures[contender.name]
        if (figure === undefined || figure.error !== undefined) return ["–", "–", "!"]
        const mark = figure.holds === undefined ? "" : figure.holds ? "✓" : "✗"
        return [formatValue(figure.median, unit), formatValue(figure.p99, unit), mark]
      }),
    ]),
  ])

const renderCurve = ({ by, name, points }: Curve): string =>
  formatTable([
    [`${name}, by number of ${by}`, ...points.map(({ size }) => size.toLocaleString("en-US"))],
    ["  time", ...points.map(({ millis }) => formatValue(millis, "ms"))],
    ["  memory", ...points.map(({ memoryMiB }) => formatValue(memoryMiB, "MiB"))],
  ])

if (values.ends !== undefined) {
  const world = makeWorld(contenders[0]?.command ?? [])
  const ends = await measureEnds(world, Number(values.ends))
  world.remove()
  const busy = isBusy(ends)
  if (values.json === true) console.log(JSON.stringify({ ends, busy }))
  else console.log(formatTable(renderEnds(ends)))
  if (busy) console.error("the machine is busy, so no time is compared with the limit")
  process.exit(!busy && ends.some(({ late }) => late > 0) ? 1 : 0)
}

const chosen = rows.filter(({ name }) => values.only === undefined || name.includes(values.only))
const measured: Array<readonly [Row, Line]> = []
for (const row of chosen) {
  measured.push([row, await measureRow(row)])
  if (values.json !== true) console.error(`measured ${row.name}`)
}
const [first] = contenders
const makeFirst = (): World => makeWorld(first?.command ?? [])
const curves =
  values.growth === true || (!quick && values.only === undefined) ? await growth(makeFirst, quick) : []
const floorFigures = Object.fromEntries(
  [...machineSamples].map(([name, list]) => [name, summarise(list)] as const),
)
const busy = isFloorBusy(floorFigures[emptyProcess.name])
const lines = measured.map(([row, line]) => (busy ? line : judge(row, line)))

if (values.json === true) {
  console.log(JSON.stringify({ busy, rows: lines, floors: floorFigures, growth: curves }))
} else {
  console.log(renderLines(lines))
  for (const { bound, figures, name } of lines)
    if (bound !== undefined && Object.values(figures).some(({ holds }) => holds === false))
      console.log(`\n${name}: ${bound}.`)
  console.log(
    `\n${formatTable([["this machine", "median", "p99"], ...Object.entries(floorFigures).map(([name, { median, p99 }]) => [name, formatValue(median, "ms"), formatValue(p99, "ms")])])}`,
  )
  for (const curve of curves) console.log(`\n${renderCurve(curve)}`)
  if (busy)
    console.log(
      `\nThe machine is busy: the p99 of an ${emptyProcess.name} is more than ${busyFactor} times its minimum. No number is compared with its target. Run the benchmark again on a quiet machine.`,
    )
}
