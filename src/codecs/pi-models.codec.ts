/**
 * pi's models: `pi --list-models` (0.87.1) prints a table of those that its owner is logged in for, `provider` and `model`
 * being its first columns; `enabledModels` in its settings, of the project before the owner's, narrows them down to
 * those that its owner wants. Without any model it prints a sentence.
 */
import { Option, Schema } from "effect"
import type { ModelListing } from "../domain/driver.schema.ts"

const Settings = Schema.fromJsonString(
  Schema.Struct({ enabledModels: Schema.optional(Schema.Array(Schema.String)) }),
)
const decodeSettings = Schema.decodeUnknownOption(Settings)

const listed = (stdout: string): ReadonlyArray<string> => {
  const rows = stdout.split("\n").map((line) => line.trim().split(/\s+/))
  const head = rows.findIndex(([provider, model]) => provider === "provider" && model === "model")
  if (head === -1) return []
  return rows
    .slice(head + 1)
    .flatMap(([provider, model]) =>
      provider === undefined || model === undefined ? [] : [`${provider}/${model}`],
    )
}

/** A pattern's thinking level, and what would mean something else in a regular expression. */
const thinkingLevel = /:(?:off|minimal|low|medium|high|xhigh|max)$/
const special = /[.+^${}()|\\]/g

/** A glob over `provider/model` or over the model alone; without any star it may be a part of the name. */
const matcherOf = (pattern: string): ((model: string) => boolean) => {
  const glob = pattern.replace(thinkingLevel, "")
  if (!/[*?[]/.test(glob)) {
    const part = glob.toLowerCase()
    return (model) => model.toLowerCase().includes(part)
  }
  const source = glob.replace(special, "\\$&").replaceAll("*", ".*").replaceAll("?", ".")
  const expression = Option.liftThrowable(() => new RegExp(`^(?:[^/]*/)?${source}$`, "i"))()
  return (model) => Option.exists(expression, (regexp) => regexp.test(model))
}

/** The models that one pattern enables: the one of that very name, else all that it matches. */
const enabledBy = (pattern: string, models: ReadonlyArray<string>): ReadonlyArray<string> => {
  const name = pattern.replace(thinkingLevel, "").toLowerCase()
  const exact = models.filter(
    (model) => model.toLowerCase() === name || model.slice(model.indexOf("/") + 1).toLowerCase() === name,
  )
  return exact.length > 0 ? exact : models.filter(matcherOf(pattern))
}

const settingsFiles = [".pi/settings.json", "~/.pi/agent/settings.json"]

/** Those that the settings enable, in the settings' order; all when they enable none of them. */
const enabled = (
  models: ReadonlyArray<string>,
  files: Readonly<Record<string, string>>,
): ReadonlyArray<string> => {
  const patterns = settingsFiles
    .flatMap((path) => Option.toArray(decodeSettings(files[path])))
    .find(({ enabledModels }) => enabledModels !== undefined)?.enabledModels
  const wanted = new Set((patterns ?? []).flatMap((pattern) => enabledBy(pattern, models)))
  return wanted.size === 0 ? models : [...wanted]
}

export const piModels: ModelListing = {
  args: ["--list-models"],
  env: { PI_OFFLINE: "1", PI_SKIP_VERSION_CHECK: "1" },
  files: settingsFiles,
  decode: (stdout, files) => enabled(listed(stdout), files),
}
