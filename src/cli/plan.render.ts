/** A plan as a person reads it, before anything has started. */
import type { DraftPlan } from "../domain/plan.schema.ts"
import type { ProgramOutline } from "../domain/submission.schema.ts"
import { bytes, oneLine, plural, type Style, table, wrapped } from "./style.render.ts"

/** A path as seen from a folder: relative where it lies in it. */
export const seenFrom = (folder: string, path: string): string =>
  path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : path

const seconds = (n: number): string => `${n} s`

/** What is called by a name: the parts of it are told one after the other. */
type Fact = readonly [name: string, parts: ReadonlyArray<string>]

/** A list, whose items stay in one piece. */
const list = (items: ReadonlyArray<string>, none: string): ReadonlyArray<string> =>
  items.length === 0 ? [none] : items.map((item, index) => (index < items.length - 1 ? `${item},` : item))

/** A sentence. */
const words = (text: string): ReadonlyArray<string> => text.split(" ")

const programFacts = (plan: DraftPlan, outline: ProgramOutline, cwd: string): ReadonlyArray<Fact> => {
  const { agents, files, models, packages, spawnCalls, unseen } = outline
  /** What is seen of something, and whether that may be all. */
  const seen = (what: (typeof unseen)[number], parts: ReadonlyArray<string>, none: boolean) => {
    if (!unseen.includes(what)) return none ? ["none"] : parts
    return none
      ? ["not", "shown", "by", "its", "text"]
      : [...parts, "(perhaps", "more", "than", "its", "text", "shows)"]
  }
  return [
    [
      "program",
      [
        seenFrom(cwd, plan.programPath),
        ...words(`(${bytes(outline.bytes)}, ${plural(outline.lines, "line")})`),
      ],
    ],
    ["imports", list([...files.map((path) => seenFrom(cwd, path)), ...packages], "nothing")],
    ["spawns", seen("spawns", words(`${plural(spawnCalls, "call")} of mill.spawn`), spawnCalls === 0)],
    ["agents", seen("agents", list(agents, ""), agents.length === 0)],
    ["models", seen("models", list(models, ""), models.length === 0)],
  ]
}

const driverFacts = (driver: DraftPlan["driver"]): ReadonlyArray<Fact> => {
  const codec: Fact = ["codec", [driver.codec, JSON.stringify(driver.codecOptions)]]
  if (driver.type === "http") {
    const { headers, keys, maxRetries, timeout } = driver
    const patience = timeout === undefined ? "no time limit" : `at most ${seconds(timeout)}`
    const named = keys.map(({ env, header }) => `${header} from the variable ${env}`)
    return [
      ["driver", [`${driver.name}:`, "POST", driver.url]],
      codec,
      ...(keys.length === 0 ? [] : [["keys", list(named, "")] as const]),
      ...(headers.length === 0 ? [] : [["headers", list(headers, "")] as const]),
      ["asks", words(`${patience}, again ${plural(maxRetries, "time")} when the server is busy`)],
    ]
  }
  return [
    ["driver", [`${driver.name}:`, driver.command, ...driver.args]],
    codec,
    ...(driver.env.length === 0
      ? []
      : [["sets", [...list(driver.env, ""), ...words("in the agents' environment")]] as const]),
    ...(driver.cwd === undefined ? [] : [["works in", [driver.cwd]] as const]),
  ]
}

/** What a run would do and how, as far as that can be seen. */
const planFacts = (plan: DraftPlan, outline: ProgramOutline, cwd: string): ReadonlyArray<Fact> => {
  const [config] = plan.config
  const extensions = plan.extensions.map(({ api, name }) =>
    api.length === 0 ? name : `${name} (${api.join(", ")})`,
  )
  return [
    ...programFacts(plan, outline, cwd),
    ["config", [config === undefined ? "none" : seenFrom(cwd, config.path)]],
    ...driverFacts(plan.driver),
    ["executor", [plan.executor.name]],
    ["extensions", list(extensions, "none")],
  ]
}

/** How many lines a fact may have. */
const factLines = 4

const rendered = (facts: ReadonlyArray<Fact>, style: Style, columns: number): string => {
  // A space before the names, two behind them.
  const room = columns - 3 - Math.max(...facts.map(([name]) => name.length))
  return table(
    facts.flatMap(([name, parts]) =>
      wrapped(parts, Math.max(12, room), factLines).map((text, index) => [
        { text: index === 0 ? ` ${name}` : "", paint: style.dim },
        { text },
      ]),
    ),
  ).join("\n")
}

/** What a person is asked about before a run starts. */
export const renderPreview = (
  plan: DraftPlan,
  outline: ProgramOutline,
  cwd: string,
  style: Style,
  columns = 132,
): string => rendered(planFacts(plan, outline, cwd), style, columns)

/** All that a run would depend on. */
export const renderPlan = (
  plan: DraftPlan,
  outline: ProgramOutline,
  cwd: string,
  style: Style,
  columns = 132,
): string => {
  const { limits } = plan
  const sources = [...plan.program, ...plan.config].map(({ path, sha256 }) => [
    { text: ` ${sha256.slice(0, 12)}`, paint: style.dim },
    { text: oneLine(seenFrom(cwd, path), Math.max(20, columns - 18)) },
  ])
  const facts: ReadonlyArray<Fact> = [
    ...planFacts(plan, outline, cwd),
    ["limits", words(`maxRunDepth ${limits.maxRunDepth}, cancelGrace ${seconds(limits.cancelGrace)}`)],
    ["versions", words(`mill ${plan.mill}, Bun ${plan.bun}`)],
  ]
  return [
    `${style.bold("plan")} ${plan.planId}`,
    rendered(facts, style, columns),
    "",
    style.bold("Sources, as they would be frozen"),
    ...table(sources),
    "",
    style.dim("Nothing was started."),
  ].join("\n")
}
