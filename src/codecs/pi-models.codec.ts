/**
 * pi's models. `pi --list-models` (0.87.1) prints a table of the models that the user is logged in for; its first columns
 * are `provider` and `model`. `enabledModels` in the settings of the project, else of the user, selects some of them.
 * Without models pi prints a sentence.
 */
import { Option, Schema } from "effect"
import type { ModelListing } from "../domain/driver.schema.ts"

const Settings = Schema.fromJsonString(
  Schema.Struct({ enabledModels: Schema.optional(Schema.Array(Schema.String)) }),
)
const decodeSettings = Schema.decodeUnknownOption(Settings)

const parseTable = (stdout: string): ReadonlyArray<string> => {
  const rows = stdout.split("\n").map((line) => line.trim().split(/\s+/))
  const head = rows.findIndex(([provider, model]) => provider === "provider" && model === "model")
  if (head === -1) return []
  return rows
    .slice(head + 1)
    .flatMap(([provider, model]) =>
      provider === undefined || model === undefined ? [] : [`${provider}/${model}`],
    )
}

/** The thinking level of a pattern, and the characters to escape in a regular expression. */
const thinkingLevel = /:(?:off|minimal|low|medium|high|xhigh|max)$/
const special = /[.+^${}()|\\]/g

/** Makes a matcher: a glob matches `provider/model` or the model alone; any other pattern matches a part of the name. */
const makeMatcher = (pattern: string): ((model: string) => boolean) => {
  const glob = pattern.replace(thinkingLevel, "")
  if (!/[*?[]/.test(glob)) {
    const part = glob.toLowerCase()
    return (model) => model.toLowerCase().includes(part)
  }
  const source = glob.replace(special, "\\$&").replaceAll("*", ".*").replaceAll("?", ".")
  const expression = Option.liftThrowable(() => new RegExp(`^(?:[^/]*/)?${source}$`, "i"))()
  return (model) => Option.exists(expression, (regexp) => regexp.test(model))
}

/** The models that a pattern enables: the model of exactly that name, else all that match. */
const matchModels = (pattern: string, models: ReadonlyArray<string>): ReadonlyArray<string> => {
  const name = pattern.replace(thinkingLevel, "").toLowerCase()
  const exact = models.filter(
    (model) => model.toLowerCase() === name || model.slice(model.indexOf("/") + 1).toLowerCase() === name,
  )
  return exact.length > 0 ? exact : models.filter(makeMatcher(pattern))
}

const settingsFiles = [".pi/settings.json", "~/.pi/agent/settings.json"]

/** The models that the settings enable, in the settings' order; all models if they enable none. */
const selectEnabled = (
  models: ReadonlyArray<string>,
  files: Readonly<Record<string, string>>,
): ReadonlyArray<string> => {
  const patterns = settingsFiles
    .flatMap((path) => Option.toArray(decodeSettings(files[path])))
    .find(({ enabledModels }) => enabledModels !== undefined)?.enabledModels
  const wanted = new Set((patterns ?? []).flatMap((pattern) => matchModels(pattern, models)))
  return wanted.size === 0 ? models : [...wanted]
}

export const piModels: ModelListing = {
  args: ["--list-models"],
  env: { PI_OFFLINE: "1", PI_SKIP_VERSION_CHECK: "1" },
  files: settingsFiles,
  decode: (stdout, files) => selectEnabled(parseTable(stdout), files),
}
