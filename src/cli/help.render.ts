/** What a person reads first: the card, and how programs are written. */
import type { Discovery } from "../domain/discovery.schema.ts"
import type { Style } from "./style.render.ts"

/** All of it fits a screen of 80 columns and 24 rows. */
export const card = `mill runs TypeScript programs that spawn and coordinate AI agents.

  mill run <program.ts>              start a program; prints its run id at once
  mill status <run>                  show a run
  mill wait <run> --timeout <s>      wait for its end
  mill watch --run <run>             follow it live
  mill ls                            list runs
  mill cancel <run>                  end a run, and all that it has started
  mill init                          write a configuration and a first program

In a program:  const { text } = await mill.spawn({
                 agent, systemPrompt, prompt, model })

Without any agent:  mill run <program.ts> --driver offline --sync
How to write one:   mill --help
All of it as JSON:  mill --help --json`

/** How a program is written, in a few lines. */
const writing = `A program is a TypeScript file. It finds a global mill, and imports nothing for it:

  const answers = await Promise.all(
    ["Rust", "Go"].map((language) =>
      mill.spawn({
        agent: \`\${language}-fan\`,                        // a name of your own choice
        systemPrompt: "You argue in one sentence.",       // who the agent is
        prompt: \`Why should one learn \${language}?\`,     // what it is to do
        model: "sonnet",                                  // which model does it
      }),
    ),
  )
  export default answers.map(({ text }) => text)          // the result: any JSON

All four fields are needed. A spawn that fails rejects with a MillSpawnError: its cause says why, its result holds
what is known all the same. mill.args has what follows -- on the command line, mill.log(message) tells those who
follow the run. Nothing that is edited after mill run has printed its id changes that run.

Rehearse it with: mill run <program.ts> --driver offline --sync
Types, models, causes, exit codes and events, for an agent or a script: mill --help --json`

const indented = (text: string): string =>
  text
    .split("\n")
    .map((line) => (line === "" ? "" : `  ${line}`))
    .join("\n")

const section = (title: string, text: string, style: Style): string =>
  `${style.bold(title)}\n${indented(text)}`

/** The guidance of plain help. */
export const renderWriting = (style: Style): string => section("WRITING PROGRAMS", writing, style)

/** What the configuration adds to it. */
export const renderHere = (
  { authoring, config, configError, defaults, drivers, extensions }: Discovery,
  style: Style,
): string => {
  const facts = [
    ...(config === undefined ? [] : [`configuration  ${config.path}`]),
    ...(defaults.driver === undefined ? [] : [`driver         ${defaults.driver}`]),
    `drivers        ${Object.keys(drivers).join(", ")}`,
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
          ...(configError.hint === undefined ? [] : [`  ${style.dim("→")} ${configError.hint}`]),
        ]
  const parts = [problem, facts, authoring.instructions.split("\n"), functions].filter(
    (part) => part.length > 0,
  )
  return section("HERE", parts.map((part) => part.join("\n")).join("\n\n"), style)
}
