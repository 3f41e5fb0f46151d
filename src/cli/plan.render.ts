/** A plan as a person reads it, before anything has started. */
import type { DraftPlan } from "../domain/plan.schema.ts"
import { bytes, oneLine, plural, type Style, table } from "./style.render.ts"

/** What the text of a program tells of it. */
export type Outline = {
  readonly bytes: number
  readonly lines: number
  readonly files: ReadonlyArray<string>
  readonly packages: ReadonlyArray<string>
  readonly spawnCalls: number
  readonly agents: ReadonlyArray<string>
  readonly models: ReadonlyArray<string>
}

/** A path as seen from a folder: relative where it lies in it. */
export const seenFrom = (folder: string, path: string): string =>
  path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : path

const list = (names: ReadonlyArray<string>, none: string): string =>
  names.length === 0 ? none : names.join(", ")

const seconds = (n: number): string => `${n} s`

type Fact = readonly [name: string, value: string]

const programFacts = (plan: DraftPlan, outline: Outline, cwd: string): ReadonlyArray<Fact> => {
  const imports = [...outline.files.map((path) => seenFrom(cwd, path)), ...outline.packages]
  return [
    [
      "program",
      `${seenFrom(cwd, plan.programPath)} (${bytes(outline.bytes)}, ${plural(outline.lines, "line")})`,
    ],
    ["imports", list(imports, "nothing")],
    [
      "spawns",
      outline.spawnCalls === 0
        ? "none that its text shows"
        : `${plural(outline.spawnCalls, "call")} of mill.spawn`,
    ],
    ...(outline.agents.length === 0 ? [] : [["agents", list(outline.agents, "")] as const]),
    ["models", list(outline.models, "none that its text shows")],
  ]
}

const configFact = (plan: DraftPlan, cwd: string): Fact => [
  "config",
  plan.config[0] === undefined ? "none" : seenFrom(cwd, plan.config[0].path),
]

const rendered = (facts: ReadonlyArray<Fact>, style: Style, columns: number): string =>
  table(
    facts.map(([name, value]) => [
      { text: ` ${name}`, paint: style.dim },
      { text: oneLine(value, Math.max(20, columns - 14)) },
    ]),
  ).join("\n")

/** Where a driver's agents are. */
const placeOf = (driver: DraftPlan["driver"]): string =>
  driver.type === "http" ? driver.url : driver.command

const driverFacts = (driver: DraftPlan["driver"]): ReadonlyArray<Fact> => {
  const codec: Fact = ["codec", `${driver.codec} ${JSON.stringify(driver.codecOptions)}`]
  if (driver.type === "http") {
    const { headers, keys, maxRetries, timeout } = driver
    const patience = timeout === undefined ? "no time limit" : `at most ${seconds(timeout)}`
    return [
      ["driver", `${driver.name}: POST ${driver.url}`],
      codec,
      ...(keys.length === 0
        ? []
        : [
            ["keys", keys.map(({ env, header }) => `${header} from the variable ${env}`).join(", ")] as const,
          ]),
      ...(headers.length === 0 ? [] : [["headers", headers.join(", ")] as const]),
      ["asks", `${patience}, again ${plural(maxRetries, "time")} when the server is busy`],
    ]
  }
  return [
    ["driver", `${driver.name}: ${[driver.command, ...driver.args].join(" ")}`],
    codec,
    ...(driver.env.length === 0
      ? []
      : [["sets", `${driver.env.join(", ")} in the agents' environment`] as const]),
    ...(driver.cwd === undefined ? [] : [["works in", driver.cwd] as const]),
  ]
}

/** What a person is asked about before a run starts. */
export const renderPreview = (
  plan: DraftPlan,
  outline: Outline,
  cwd: string,
  style: Style,
  columns = 132,
): string =>
  rendered(
    [
      ...programFacts(plan, outline, cwd),
      ["driver", `${plan.driver.name} (${placeOf(plan.driver)})`],
      ["executor", plan.executor.name],
      configFact(plan, cwd),
    ],
    style,
    columns,
  )

/** All that a run would depend on. */
export const renderPlan = (
  plan: DraftPlan,
  outline: Outline,
  cwd: string,
  style: Style,
  columns = 132,
): string => {
  const { driver, extensions, limits } = plan
  const sources = [...plan.program, ...plan.config].map(({ path, sha256 }) => [
    { text: ` ${sha256.slice(0, 12)}`, paint: style.dim },
    { text: oneLine(seenFrom(cwd, path), Math.max(20, columns - 18)) },
  ])
  return [
    `${style.bold("plan")} ${plan.planId}`,
    rendered(
      [
        ...programFacts(plan, outline, cwd),
        configFact(plan, cwd),
        ...driverFacts(driver),
        ["executor", plan.executor.name],
        [
          "extensions",
          list(
            extensions.map(({ api, name }) => (api.length === 0 ? name : `${name} (${api.join(", ")})`)),
            "none",
          ),
        ],
        ["limits", `maxRunDepth ${limits.maxRunDepth}, cancelGrace ${seconds(limits.cancelGrace)}`],
        ["versions", `mill ${plan.mill}, Bun ${plan.bun}`],
      ],
      style,
      columns,
    ),
    "",
    style.bold("Sources, as they would be frozen"),
    ...table(sources),
    "",
    style.dim("Nothing was started."),
  ].join("\n")
}
