/** The files that `mill init` writes. */
import type { ExtensionConfig } from "../../domain/extension.schema.ts"
import type { TypeTexts } from "./type-texts.effect.ts"

/** A driver of the new configuration: its command has the driver's name. */
export type ScaffoldDriver = { readonly name: string; readonly codec: string }

/** The configuration: the drivers that were found, the first of them as the default. */
export const configText = (drivers: ReadonlyArray<ScaffoldDriver>, envFile: string): string => {
  const imported = [
    "defineConfig",
    ...(drivers.length > 0 ? ["processDriver"] : []),
    ...drivers.map(({ codec }) => codec),
  ]
  const declared = drivers.map(
    ({ codec, name }) =>
      `    ${name}: processDriver({ command: ${JSON.stringify(name)}, codec: ${codec}() }),\n`,
  )
  const fallback =
    "  // No agent was found on the PATH when this was written: claude, pi and codex would have been named here.\n"
  return `/// <reference path="./${envFile}" />
/** What mill uses here: \`mill --help\` tells more. */
import { ${imported.sort().join(", ")} } from "@mill/core"

export default defineConfig({
  // The driver of a run without --driver. The driver \`offline\` rehearses a program without any agent.
  defaultDriver: ${JSON.stringify(drivers[0]?.name ?? "offline")},

${drivers.length === 0 ? fallback : `  drivers: {\n${declared.join("")}  },\n`}
  authoring: {
    // \`mill --help\` tells this to whoever writes programs.
    instructions: "systemPrompt says who the agent is, prompt says what it is to do.",
  },
})
`
}

const comment = (text: string, indent: string): string =>
  `${indent}/** ${text.replace(/\*\//g, "* /").replace(/\s+/g, " ").trim()} */\n`

/** The type of an extension's function that tells none. */
const anyFunction = "(...args: ReadonlyArray<unknown>) => Promise<unknown>"

const extensionText = ({ api = {}, description, docs = {}, name }: ExtensionConfig): string => {
  const functions = Object.keys(api).map((key) => {
    const doc = docs[key]
    const told = doc?.description === undefined ? "" : comment(doc.description, "    ")
    return `${told}    readonly ${key}: ${doc?.type ?? anyFunction}\n`
  })
  const told = description === undefined ? "" : comment(description, "  ")
  return `${told}  readonly ${name}: {\n${functions.join("")}  }\n`
}

/** The types of the extensions' functions, as declarations that add to the program's own. */
const extensionTypes = (extensions: ReadonlyArray<ExtensionConfig>): string => {
  const withApi = extensions.filter(({ api = {} }) => Object.keys(api).length > 0)
  return withApi.length === 0
    ? ""
    : `\n/** What the extensions of the configuration add. */\ninterface Mill {\n${withApi.map(extensionText).join("")}}\n`
}

const header = `/**
 * The types of mill, for the programs and the configuration in this folder. \`mill init\` writes this file, and does not
 * overwrite it: delete it and run that again when mill or the extensions of the configuration have changed.
 */
`

/** The types, of programs here and of the configuration: whole, or by reference where the package is installed. */
export const envText = (
  extensions: ReadonlyArray<ExtensionConfig>,
  types: TypeTexts["Service"] | undefined,
): string => {
  const base =
    types === undefined ? `/// <reference types="@mill/core/program" />\n` : `${types.program}\n${types.core}`
  // A reference counts only where nothing but comments stands before it.
  return `${header}${base}${extensionTypes(extensions)}`
}

/** A first program, with a model that the default driver has. */
export const exampleText = (model: string, envFile: string): string => `/// <reference path="./${envFile}" />
/**
 * Two agents answer side by side, and a third weighs what they say.
 *
 *     mill run example.ts --driver offline --sync      rehearses it without any agent
 *     mill run example.ts --sync -- "Tabs or spaces?"  asks your own question
 */
const model = ${JSON.stringify(model)}
const [question = "Should a small team write its tests first?"] = mill.args

const answers = await Promise.all(
  ["an optimist", "a sceptic"].map((who) =>
    mill.spawn({
      agent: who,
      systemPrompt: \`You are \${who}. You answer in two sentences.\`,
      prompt: question,
      model,
    }),
  ),
)

const verdict = await mill.spawn({
  agent: "judge",
  systemPrompt: "You weigh arguments, and say in one sentence what follows from them.",
  prompt: [question, ...answers.map(({ agent, text }) => \`\${agent}: \${text}\`)].join("\\n\\n"),
  model,
})

export default verdict.text
`
