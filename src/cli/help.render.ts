/** The card, and the guide to writing programs that `mill --help` prints. */
import type { DiscoveryFacts } from "../domain/discovery.schema.ts"
import { renderNextCommand, type Style } from "./style.render.ts"

/** Fits a screen of 80 columns and 24 rows. */
export const card = `mill runs TypeScript programs that spawn and coordinate AI agents.

  mill run <program.ts>            Run a program and print the run id
  mill status <run>                Show a run's status, spawns and usage
  mill wait <run> --timeout <s>    Wait for a run to finish
  mill watch --run <run>           Follow a run live
  mill ls                          List runs
  mill cancel <run>                Cancel a run, its agents and nested runs
  mill init                        Create mill.config.ts and an example program

In a program:          const { text } = await mill.spawn({
                         agent, systemPrompt, prompt, model })

Try it offline:        mill run <program.ts> --driver offline --sync
Write a program:       mill --help
Everything as JSON:    mill --help --json`

const guide = `A program is a TypeScript file that uses the global mill; no import is needed:

  const answers = await Promise.all(
    ["Rust", "Go"].map((language) =>
      mill.spawn({
        agent: \`\${language}-fan\`,                     // any name you like
        systemPrompt: "You argue in one sentence.",   // who the agent is
        prompt: \`Why learn \${language}?\`,             // its task
        model: "sonnet",                              // optional: the model to use
      }),
    ),
  )
  export default answers.map(({ text }) => text)      // the result: any JSON value

Without model, the driver's default model is used. A failed spawn rejects with
a MillSpawnError: its cause gives the reason, and its result contains whatever
is known about the spawn. mill.args contains the arguments after --, and mill.log(message) writes
to the run's event log. A run uses its own copy of the program, so later edits
do not affect it.

Try a program without an agent:    mill run <program.ts> --driver offline --sync
Print the full reference as JSON:  mill --help --json`

const indent = (text: string): string =>
  text
    .split("\n")
    .map((line) => (line === "" ? "" : `  ${line}`))
    .join("\n")

const renderSection = (title: string, text: string, style: Style): string =>
  `${style.bold(title)}\n${indent(text)}`

export const renderAuthoring = (style: Style): string => renderSection("WRITING PROGRAMS", guide, style)

/** What the configuration of this directory provides, or what is wrong with it. */
export const renderDirectory = (
  { authoring, config, configError, defaults, drivers, extensions }: DiscoveryFacts,
  style: Style,
): string => {
  const facts = [
    ...(config === undefined ? [] : [`config file     ${config.path}`]),
    ...(defaults.driver === undefined ? [] : [`default driver  ${defaults.driver}`]),
    `drivers         ${Object.keys(drivers).join(", ")}`,
  ]
  const functions = extensions.flatMap((extension) =>
    Object.entries(extension.functions).map(([name, { description, type }]) => {
      const signature = type === undefined ? "" : `: ${type}`
      return `mill.${extension.name}.${name}${signature}${description === undefined ? "" : `\n  ${description}`}`
    }),
  )
  const problem =
    configError === undefined
      ? []
      : [
          `${style.red("error:")} ${configError.message}`,
          ...(configError.hint === undefined ? [] : [renderNextCommand(configError.hint, style)]),
        ]
  const parts = [problem, facts, authoring.instructions.split("\n"), functions].filter(
    (part) => part.length > 0,
  )
  return renderSection("THIS DIRECTORY", parts.map((part) => part.join("\n")).join("\n\n"), style)
}
