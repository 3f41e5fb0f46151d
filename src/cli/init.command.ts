/** `mill init` */
import { Effect } from "effect"
import { Command, Flag } from "effect/cli"
import { openEngine } from "./engine.ts"
import { Discover, PrintsJson } from "./discovery.ts"
import { Output } from "./output.ts"
import { nextCommand } from "./style.render.ts"

/** What the skill file says in this place. */
const skillText = Effect.gen(function* () {
  const { skillFile } = yield* Effect.promise(() => import("../public/discovery.api.ts"))
  return skillFile(yield* (yield* Discover).discovery({ askAgent: true }))
})

export const initCommand = Command.make(
  "init",
  {
    global: Flag.Boolean("global").pipe(
      Flag.withDescription("Your own configuration, in $MILL_HOME, for folders that have none"),
      Flag.withDefault(false),
    ),
    skill: Flag.Boolean("skill").pipe(
      Flag.withDescription(
        "Instead, a SKILL.md that teaches coding agents to use mill here; with --global, in your home",
      ),
      Flag.withDefault(false),
    ),
  },
  Effect.fnUntraced(function* ({ global, skill }) {
    const engine = yield* openEngine
    const { err, json, out, style } = yield* Output
    const written = yield* engine.init({ global, ...(skill ? { skill: yield* skillText } : {}) })
    const { configAbove, created, kept } = written
    if (configAbove !== undefined)
      yield* err(`${configAbove} counts here, too: no second configuration was written`)
    if (json) return yield* out(JSON.stringify(written))
    for (const path of created) yield* out(`${style.green("✓")} ${path}`)
    for (const path of kept)
      yield* out(`${style.dim("–")} ${path} ${style.dim("was there, and stays as it is")}`)
    if (!global && !skill) yield* out(nextCommand("mill run example.ts --driver offline --sync", style))
  }, Effect.scoped),
).pipe(
  Command.annotate(
    PrintsJson,
    '{"created": [paths], "kept": [paths], "configAbove": path where a folder above has the configuration}',
  ),
  Command.withDescription(
    "Write mill.config.ts with the agents of this machine, types for the editor, and a first program",
  ),
  Command.withExamples([
    { command: "mill init", description: "In this folder; what is there already stays as it is" },
    { command: "mill init --skill", description: "Teach the coding agents that work here to use mill" },
    { command: "mill init --global", description: "For all folders that have no configuration of their own" },
  ]),
)
