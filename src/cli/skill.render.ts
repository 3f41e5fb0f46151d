/** The SKILL.md that `mill init --skill` writes. */
import type { Discovery } from "../domain/discovery.schema.ts"

const renderList = (items: ReadonlyArray<string>): string => items.map((item) => `- ${item}`).join("\n")

const quoteCode = (text: string): string => `\`${text}\``

const fenceCode = (text: string, language: string): string => `\`\`\`${language}\n${text.trimEnd()}\n\`\`\``

/** How many models are listed for a driver; the payload has all of them. */
const maxModels = 12

const renderDriver = (name: string, driver: Discovery["drivers"][string]): string => {
  const { available, default: isDefault, defaultModel, description, modelFormat, models } = driver
  const notes = [...(isDefault ? ["default"] : []), ...(available ? [] : ["not available"])]
  const more = models.length > maxModels ? ", …" : ""
  const known =
    models.length === 0
      ? ""
      : ` Known models: ${models.slice(0, maxModels).map(quoteCode).join(", ")}${more}.`
  return `${quoteCode(name)}${notes.length === 0 ? "" : ` (${notes.join(", ")})`}: ${description}. Model format: ${modelFormat}.${known}${defaultModel === undefined ? "" : ` Default model: ${quoteCode(defaultModel)}.`}`
}

const renderExtensions = ({ extensions }: Discovery): ReadonlyArray<string> =>
  extensions.flatMap(({ description, functions, name }) => [
    ...(description === undefined ? [] : [`${quoteCode(`mill.${name}`)}: ${description}`]),
    ...Object.entries(functions).map(([key, doc]) =>
      [
        quoteCode(`mill.${name}.${key}`),
        ...(doc.type === undefined ? [] : [quoteCode(doc.type)]),
        ...(doc.description ?? "").split("\n"),
      ]
        .filter((part) => part !== "")
        .join(": "),
    ),
  ])

/** Renders a SKILL.md that teaches an agent to use mill in this directory, from the discovery payload. */
export const renderSkill = (discovery: Discovery): string => {
  const { async, authoring, commands, exitCodes, programApi } = discovery
  const { error, example, globals, result, rules, spawnOptional, spawnRequired } = programApi
  const extensions = renderExtensions(discovery)
  const followUp = ["watch", "cancel", "ls"].flatMap((name) => {
    const command = commands[name]
    return command === undefined ? [] : [`${quoteCode(`mill ${name}`)}: ${command.description}`]
  })
  return `---
name: mill
description: Run TypeScript programs that spawn and coordinate AI agents with mill. Use it to split a task among several agents, to get independent opinions or a review from another model, to repeat work until a check passes, or to run agents in the background.
---

# mill

A program is a TypeScript file that calls ${quoteCode("mill.spawn")} for each agent and combines the answers with plain
${quoteCode("await")} and ${quoteCode("Promise.all")}. Each run has its own background process: start a run, continue your work, and check on it later.
${quoteCode("mill --help --json")} prints up-to-date versions of everything below, as well as types, flags, models and events.

## When to use it

${renderList([
  "Several agents work on parts of a task at the same time, and the program combines their answers.",
  "Several agents answer the same question independently, and another agent compares or judges the answers.",
  "An agent works in a loop: the program runs a check after each attempt and passes any failures to the next attempt.",
])}

Do not use mill for a single question that you can answer yourself.

## Write a program

${renderList(Object.entries(globals).map(([name, what]) => `${quoteCode(name)} ${what}`))}

${result}

${renderList(rules)}

${fenceCode(example.source, "ts")}

Required fields of a spawn: ${spawnRequired.map(quoteCode).join(", ")}. Optional: ${spawnOptional.map(quoteCode).join(", ")}. Fields of its result: ${programApi.resultFields.map(quoteCode).join(", ")}.

${authoring.instructions}
${extensions.length === 0 ? "" : `\n### Functions from extensions\n\n${renderList(extensions)}\n`}
## Check the program

${renderList([
  `${quoteCode("mill run <program.ts> --dry-run")} checks the program and the configuration without starting a run. It exits with code 2 if it finds a problem.`,
  `${quoteCode("mill run <program.ts> --driver offline --sync --json")} tries the program offline: every spawn returns an instant answer, no model is called, and nothing is billed.`,
  `To type-check the program, save ${quoteCode("programApi.types")} from the output of ${quoteCode("mill --help --json")} as ${quoteCode(programApi.typesFile)} alongside the program.`,
])}

## Run and follow

${fenceCode([async.submit, async.status, async.wait].join("\n"), "shell")}

The first command prints ${quoteCode("runId")} immediately, and the run continues in the background. If ${quoteCode("wait")} times out, wait again.
When the run has finished, read the file at ${quoteCode("paths.resultFile")}: it contains ${quoteCode("programResult")} and the answer from every spawn.

${renderList(followUp)}

## When something fails

With ${quoteCode("--json")}, errors are printed to standard output as ${quoteCode('{"error":{"_tag","message","hint"}}')}; follow the ${quoteCode("hint")}. Exit codes:

${renderList(Object.entries(exitCodes).map(([key, { meaning }]) => `${key}: ${meaning}`))}

A failed spawn rejects with a ${quoteCode(error.name)}. Its ${quoteCode("result")} contains whatever is known about the spawn, and its ${quoteCode("cause")} is one of:

${renderList(Object.entries(error.causes).map(([cause, meaning]) => `${quoteCode(cause)}: ${meaning}`))}

## What to avoid

${renderList([
  `Do not poll in a shell loop or with ${quoteCode("sleep")}: ${quoteCode("mill wait")} returns as soon as the run finishes.`,
  "Do not start a run again just because it takes a long time: it keeps running until it finishes or is cancelled.",
  `Do not invent model names: use the ones listed below or in the output of ${quoteCode("mill --help --json")}.`,
  "Do not edit a program to change a run in progress, because the run uses its own copy: cancel the run and start a new one.",
  "Do not parse answers from the program's output: return them as the program's result.",
])}

## Drivers and models

${renderList(Object.entries(discovery.drivers).map(([name, driver]) => renderDriver(name, driver)))}
`
}
