/** The plan of a run, before it is started. */
import { CommandLine } from "effect/process"
import type { DraftPlan } from "../domain/plan.schema.ts"
import type { ProgramOutline } from "../domain/submission.schema.ts"
import {
  defaultColumns,
  fitLine,
  formatBytes,
  formatCount,
  renderTable,
  type Style,
  wrapWords,
} from "./style.render.ts"

/** Makes a path relative to a directory that contains it. */
export const shortenPath = (directory: string, path: string): string =>
  path.startsWith(`${directory}/`) ? path.slice(directory.length + 1) : path

const formatSeconds = (n: number): string => `${n} s`

/** A named fact. Its parts are wrapped between, not within. */
type Fact = readonly [name: string, parts: ReadonlyArray<string>]

/** A list, or `none` if it is empty. An item with spaces stays on one line. */
const listItems = (items: ReadonlyArray<string>, none: string): ReadonlyArray<string> =>
  items.length === 0 ? [none] : items.map((item, index) => (index < items.length - 1 ? `${item},` : item))

const splitWords = (text: string): ReadonlyArray<string> => text.split(" ")

const describeProgram = (plan: DraftPlan, outline: ProgramOutline, cwd: string): ReadonlyArray<Fact> => {
  const { agents, bytes, files, lines, models, packages, spawnCalls, unseen } = outline
  const program = shortenPath(cwd, plan.programPath)
  /** Adds whether there may be more than the program's text shows. */
  const qualify = (name: (typeof unseen)[number], parts: ReadonlyArray<string>, isEmpty: boolean) => {
    if (!unseen.includes(name)) return isEmpty ? ["none"] : parts
    return isEmpty
      ? splitWords("known only at run time")
      : [...parts, ...splitWords("(possibly more at run time)")]
  }
  return [
    ["program", [program, ...splitWords(`(${formatBytes(bytes)}, ${formatCount(lines, "line")})`)]],
    ["imports", listItems([...files.map((path) => shortenPath(cwd, path)), ...packages], "none")],
    ["spawns", qualify("spawns", splitWords(formatCount(spawnCalls, "mill.spawn call")), spawnCalls === 0)],
    ["agents", qualify("agents", listItems(agents, ""), agents.length === 0)],
    ["models", qualify("models", listItems(models, ""), models.length === 0)],
  ]
}

const describeDriver = (driver: DraftPlan["driver"]): ReadonlyArray<Fact> => {
  const codec: Fact = ["codec", [driver.codec, JSON.stringify(driver.codecOptions)]]
  const model: ReadonlyArray<Fact> =
    driver.defaultModel === undefined ? [] : [["default model", [driver.defaultModel]]]
  if (driver.type === "http") {
    const { headers, keys, maxRetries, name, timeout, url } = driver
    const limit = timeout === undefined ? "no timeout" : `timeout ${formatSeconds(timeout)}`
    const retries =
      maxRetries === 0
        ? "no retries"
        : `up to ${maxRetries} ${maxRetries === 1 ? "retry" : "retries"} if the server is busy`
    const sources = keys.map(({ env, header }) => `${header} from $${env}`)
    return [
      ["driver", [`${name}:`, "POST", url]],
      codec,
      ...model,
      ...(keys.length === 0 ? [] : [["keys", listItems(sources, "")] as const]),
      ...(headers.length === 0 ? [] : [["headers", listItems(headers, "")] as const]),
      ["requests", splitWords(`${limit}, ${retries}`)],
    ]
  }
  return [
    [
      "driver",
      [`${driver.name}:`, ...[driver.command, ...driver.args].map((word) => CommandLine.display([word]))],
    ],
    codec,
    ...model,
    ...(driver.env.length === 0 ? [] : [["environment", listItems(driver.env, "")] as const]),
    ...(driver.cwd === undefined ? [] : [["directory", [driver.cwd]] as const]),
  ]
}

const describePlan = (plan: DraftPlan, outline: ProgramOutline, cwd: string): ReadonlyArray<Fact> => {
  const [config] = plan.config
  const extensions = plan.extensions.map(({ api, name }) =>
    api.length === 0 ? name : `${name} (${api.join(", ")})`,
  )
  return [
    ...describeProgram(plan, outline, cwd),
    ["config", [config === undefined ? "none" : shortenPath(cwd, config.path)]],
    ...describeDriver(plan.driver),
    ["executor", [plan.executor.name]],
    ["extensions", listItems(extensions, "none")],
  ]
}

const maxFactLines = 4

const renderFacts = (facts: ReadonlyArray<Fact>, style: Style, columns: number): string => {
  // A space before the names, two behind them.
  const room = columns - 3 - Math.max(...facts.map(([name]) => name.length))
  return renderTable(
    facts.flatMap(([name, parts]) =>
      wrapWords(parts, Math.max(12, room), maxFactLines).map((text, index) => [
        { text: index === 0 ? ` ${name}` : "", paint: style.dim },
        { text },
      ]),
    ),
  ).join("\n")
}

/** Renders the mistakes in the program's source. */
const renderProblems = ({ problems }: ProgramOutline, cwd: string, style: Style): ReadonlyArray<string> =>
  problems.length === 0
    ? []
    : [
        "",
        style.bold("Problems"),
        ...problems.flatMap(({ hint, location, message }) => [
          ` ${style.red("✗")} ${message}`,
          `   ${style.dim("at")} ${shortenPath(cwd, location)}`,
          ...(hint === undefined ? [] : [`   ${style.dim("→")} ${hint}`]),
        ]),
      ]

/** Renders the preview that the user confirms before a run starts. */
export const renderPreview = (
  plan: DraftPlan,
  outline: ProgramOutline,
  cwd: string,
  style: Style,
  columns: number = defaultColumns,
): string =>
  [
    renderFacts(describePlan(plan, outline, cwd), style, columns),
    ...renderProblems(outline, cwd, style),
  ].join("\n")

/** Renders everything that a run of this plan depends on. */
export const renderPlan = (
  plan: DraftPlan,
  outline: ProgramOutline,
  cwd: string,
  style: Style,
  columns: number = defaultColumns,
): string => {
  const { limits } = plan
  const sources = [...plan.program, ...plan.config].map(({ path, sha256 }) => [
    { text: ` ${sha256.slice(0, 12)}`, paint: style.dim },
    { text: fitLine(shortenPath(cwd, path), Math.max(20, columns - 18)) },
  ])
  const facts: ReadonlyArray<Fact> = [
    ...describePlan(plan, outline, cwd),
    [
      "limits",
      splitWords(`maxRunDepth ${limits.maxRunDepth}, cancelGrace ${formatSeconds(limits.cancelGrace)}`),
    ],
    ["versions", splitWords(`mill ${plan.mill}, Bun ${plan.bun}`)],
  ]
  return [
    `${style.bold("plan")} ${plan.planId}`,
    renderFacts(facts, style, columns),
    "",
    style.bold("Frozen sources"),
    ...renderTable(sources),
    ...renderProblems(outline, cwd, style),
    "",
    style.dim("Dry run: no run was started."),
  ].join("\n")
}
