/** What mill tells to those who write programs: the discovery payload, and the skill file that is made of it. */
import type { CommandLineDoc, Discovery, DiscoveryFacts } from "../domain/discovery.schema.ts"

/** The payload of `mill --help --json`. */
export const discoveryOf = (surroundings: DiscoveryFacts, commandLine: CommandLineDoc): Discovery => ({
  ...surroundings,
  ...commandLine,
})

const list = (items: ReadonlyArray<string>): string => items.map((item) => `- ${item}`).join("\n")

const code = (text: string): string => `\`${text}\``

const fenced = (text: string, language: string): string => `\`\`\`${language}\n${text.trimEnd()}\n\`\`\``

/** How many models a driver's line names at the most; the payload has them all. */
const shownModels = 12

const driverLine = (name: string, driver: Discovery["drivers"][string]): string => {
  const { available, default: isDefault, description, modelFormat, models } = driver
  const notes = [...(isDefault ? ["the default here"] : []), ...(available ? [] : ["not installed here"])]
  const more = models.length > shownModels ? ", …" : ""
  const known =
    models.length === 0 ? "" : `, for example ${models.slice(0, shownModels).map(code).join(", ")}${more}`
  return `${code(name)}${notes.length === 0 ? "" : ` (${notes.join(", ")})`}: ${description}. Models: ${modelFormat}${known}.`
}

const extensionLines = ({ extensions }: Discovery): ReadonlyArray<string> =>
  extensions.flatMap(({ description, functions, name }) => [
    ...(description === undefined ? [] : [`${code(`mill.${name}`)}: ${description}`]),
    ...Object.entries(functions).map(([key, { description: what, type }]) =>
      [
        `${code(`mill.${name}.${key}`)}`,
        ...(type === undefined ? [] : [code(type)]),
        ...(what ?? "").split("\n"),
      ]
        .filter((part) => part !== "")
        .join(": "),
    ),
  ])

/**
 * The text of a SKILL.md that teaches an agent to use mill in this place. Whatever it names is in the payload, so it is
 * as true as that was when it was written.
 */
export const skillFile = (discovery: Discovery): string => {
  const { async, authoring, commands, exitCodes, programApi } = discovery
  const { error, example, globals, result, rules, spawnRequired } = programApi
  const own = extensionLines(discovery)
  const followUp = ["watch", "cancel", "ls"].flatMap((name) => {
    const command = commands[name]
    return command === undefined ? [] : [`${code(`mill ${name}`)}: ${command.description}`]
  })
  return `---
name: mill
description: Run TypeScript programs that spawn and coordinate AI agents with mill. Use it when a task splits into parts for several agents, needs independent opinions or a check by another model, loops until a check passes, or should go on in the background.
---

# mill

A program is a TypeScript file that calls ${code("mill.spawn")} for each agent and puts the answers together with plain
${code("await")} and ${code("Promise.all")}. Every run is a process of its own: submit it, go on, look later.
${code("mill --help --json")} prints everything below and more, as it is now: types, flags, models, events.

## When to use it

${list([
  "Several agents on parts of a task at once, and something that puts their answers together.",
  "Independent answers to one question, compared or judged by another agent.",
  "A loop: an agent works, a check runs, the agent hears what failed.",
  "Not for a single question that you can answer yourself.",
])}

## Write

${list(Object.entries(globals).map(([name, what]) => `${code(name)} ${what}`))}

${result}

${list(rules)}

${fenced(example.source, "ts")}

Fields of a spawn, all needed: ${spawnRequired.map(code).join(", ")}. What it gives: ${programApi.resultFields.map(code).join(", ")}.

${authoring.instructions}
${own.length === 0 ? "" : `\n### Functions of this place\n\n${list(own)}\n`}
## Check

${list([
  `${code("mill run <program.ts> --dry-run")} refuses what cannot run, and starts nothing.`,
  `${code("mill run <program.ts> --driver offline --sync --json")} rehearses it: every spawn is answered at once, no model is asked, nothing is paid.`,
  `To type-check, write programApi.types of the payload to ${code(programApi.typesFile)} beside the program.`,
])}

## Run and follow

${fenced([async.submit, async.status, async.wait].join("\n"), "shell")}

The first prints ${code("runId")} at once, and the run goes on by itself. Wait again when the time of ${code("wait")} is up. When it has
ended, ${code("paths.resultFile")} of what was printed holds ${code("programResult")} and every spawn's answer.

${list(followUp)}

## When something fails

With ${code("--json")} an error is ${code('{"error":{"_tag","message","hint"}}')} on standard output: do what ${code("hint")} says. The exit code:

${list(Object.entries(exitCodes).map(([key, { meaning }]) => `${key}: ${meaning}`))}

A failed spawn rejects with a ${code(error.name)}; its ${code("cause")} says why, its ${code("result")} holds what is known all the same:

${list(Object.entries(error.causes).map(([cause, meaning]) => `${code(cause)}: ${meaning}`))}

## Do not

${list([
  `wait in a shell loop or with sleep: ${code("mill wait")} returns as soon as the run has ended.`,
  "start a run again because it takes long: it goes on until it ends or is cancelled.",
  "invent names of models: take them from below, or from the payload.",
  "edit a program to change a run under way: it is frozen. Cancel it and submit again.",
  "read an answer from what the program printed: give it as the program's result.",
])}

## Drivers and models

${list(Object.entries(discovery.drivers).map(([name, driver]) => driverLine(name, driver)))}
`
}
