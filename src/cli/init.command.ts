/** `mill init` */
import { Effect } from "effect"
import { Command, Flag } from "effect/cli"
import { type Discover, PrintsJson } from "./discovery.ts"
import { openEngine } from "./engine.ts"
import { Output } from "./output.ts"
import { renderNextCommand } from "./style.render.ts"

/** Writes the text of the skill file for this directory. */
const makeSkill = Effect.fnUntraced(function* (discover: Discover) {
  const { renderSkill } = yield* Effect.promise(() => import("./skill.render.ts"))
  return renderSkill(yield* discover({ askAgent: true }))
})

export const makeInitCommand = (discover: Discover) =>
  Command.make(
    "init",
    {
      global: Flag.Boolean("global").pipe(
        Flag.withDescription(
          "Create your personal configuration file in $MILL_HOME, for directories without a mill.config.ts",
        ),
        Flag.withDefault(false),
      ),
      skill: Flag.Boolean("skill").pipe(
        Flag.withDescription(
          "Only write SKILL.md, which teaches coding agents to use mill (with --global, in your home directory)",
        ),
        Flag.withDefault(false),
      ),
    },
    Effect.fnUntraced(function* ({ global, skill }) {
      const engine = yield* openEngine
      const { err, json, out, style } = yield* Output
      const written = yield* engine.init({ global, skill: skill ? yield* makeSkill(discover) : undefined })
      const { configAbove, created, kept } = written
      if (configAbove !== undefined)
        yield* err(`${configAbove} already applies here, so no new configuration file was written`)
      if (json) return yield* out(JSON.stringify(written))
      for (const path of created) yield* out(`${style.green("✓")} ${path}`)
      for (const path of kept)
        yield* out(`${style.dim("–")} ${path} ${style.dim("already exists; left unchanged")}`)
      if (!global && !skill)
        yield* out(renderNextCommand("mill run example.ts --driver offline --sync", style))
    }, Effect.scoped),
  ).pipe(
    Command.annotate(
      PrintsJson,
      '{"created": [paths], "kept": [paths], "configAbove": path of the configuration file that applies from a parent directory, if any}',
    ),
    Command.withDescription(
      "Create mill.config.ts for the agents installed on this machine, type declarations for editors, and an example program",
    ),
    Command.withShortDescription("Create mill.config.ts, type declarations and an example program"),
    Command.withExamples([
      { command: "mill init", description: "Set up this directory; existing files are left unchanged" },
      { command: "mill init --skill", description: "Teach coding agents in this directory to use mill" },
      {
        command: "mill init --global",
        description: "Create your personal configuration file",
      },
    ]),
  )
