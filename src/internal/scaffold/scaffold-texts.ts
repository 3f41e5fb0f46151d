/** The files that `mill init` writes. */
import type { ExtensionConfig } from "../../domain/extension.schema.ts"
import type { TypeTexts } from "./type-texts.effect.ts"

/** A driver of the new configuration. Its command has the same name. */
export type ScaffoldDriver = { readonly name: string; readonly codec: string }

/** Renders a configuration with the installed agents; the first one is the default. */
export const renderConfig = (drivers: ReadonlyArray<ScaffoldDriver>, envFile: string): string => {
  const imported = [
    "defineConfig",
    ...(drivers.length > 0 ? ["processDriver"] : []),
    ...drivers.map(({ codec }) => codec),
  ]
  const declared = drivers.map(
    ({ codec, name }) =>
      `    ${name}: processDriver({ command: ${JSON.stringify(name)}, codec: ${codec}() }),\n`,
  )
  const fallback = "  // No agent (claude, pi or codex) was found on PATH when this file was created.\n"
  return `/// <reference path="./${envFile}" />
/** The mill configuration for this directory. See \`mill --help\`. */
import { ${imported.sort().join(", ")} } from "@mill/core"

export default defineConfig({
  // The driver to use when --driver is not given. To try a program without agents, use the driver \`offline\`.
  defaultDriver: ${JSON.stringify(drivers[0]?.name ?? "offline")},

${drivers.length === 0 ? fallback : `  drivers: {\n${declared.join("")}  },\n`}
  authoring: {
    // Guidance for program authors. \`mill --help\` prints it.
    instructions: "systemPrompt describes the agent's role; prompt describes its task.",
  },
})
`
}

const renderComment = (text: string, indent: string): string =>
  `${indent}/** ${text.replace(/\*\//g, "* /").replace(/\s+/g, " ").trim()} */\n`

/** The type of a function without a documented type. */
const anyFunction = "(...args: ReadonlyArray<unknown>) => Promise<unknown>"

const renderExtension = ({ api = {}, description, docs = {}, name }: ExtensionConfig): string => {
  const functions = Object.keys(api).map((key) => {
    const doc = docs[key]
    const comment = doc?.description === undefined ? "" : renderComment(doc.description, "    ")
    return `${comment}    readonly ${key}: ${doc?.type ?? anyFunction}\n`
  })
  const comment = description === undefined ? "" : renderComment(description, "  ")
  return `${comment}  readonly ${name}: {\n${functions.join("")}  }\n`
}

/** Renders the types of the extensions' functions, as declarations that extend the program's `Mill`. */
const renderExtensionTypes = (extensions: ReadonlyArray<ExtensionConfig>): string => {
  const withApi = extensions.filter(({ api = {} }) => Object.keys(api).length > 0)
  return withApi.length === 0
    ? ""
    : `\n/** Functions from the configured extensions. */\ninterface Mill {\n${withApi.map(renderExtension).join("")}}\n`
}

const header = `/**
 * Types for the programs and the configuration file in this directory. \`mill init\` creates this file but never overwrites
 * it: after you update mill or change the configured extensions, delete this file and run \`mill init\` again.
 */
`

/** Renders the types of programs and the configuration: by reference if the package is installed (without `types`). */
export const renderEnv = (
  extensions: ReadonlyArray<ExtensionConfig>,
  types: TypeTexts["Service"] | undefined,
): string => {
  const base =
    types === undefined ? `/// <reference types="@mill/core/program" />\n` : `${types.program}\n${types.core}`
  // Only comments may precede a reference.
  return `${header}${base}${renderExtensionTypes(extensions)}`
}

/** Renders the example program, with a model of the default driver if its spawns name one. */
export const renderExample = (
  model: string | undefined,
  envFile: string,
): string => `/// <reference path="./${envFile}" />
/**
 * Two agents answer the same question, and a third agent judges their answers.
 *
 *     mill run example.ts --driver offline --sync      try the program without agents
 *     mill run example.ts --sync -- "Tabs or spaces?"  ask your own question
 */
${model === undefined ? "" : `const model = ${JSON.stringify(model)}\n`}const [question = "Should a small team write its tests first?"] = mill.args

const answers = await Promise.all(
  ["an optimist", "a sceptic"].map((who) =>
    mill.spawn({
      agent: who,
      systemPrompt: \`You are \${who}. You answer in two sentences.\`,
      prompt: question,
${model === undefined ? "" : "      model,\n"}    }),
  ),
)

const verdict = await mill.spawn({
  agent: "judge",
  systemPrompt: "You weigh the arguments and give your verdict in one sentence.",
  prompt: [question, ...answers.map(({ agent, text }) => \`\${agent}: \${text}\`)].join("\\n\\n"),
${model === undefined ? "" : "  model,\n"}})

export default verdict.text
`
