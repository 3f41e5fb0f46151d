/** pi's list of models, and the selection in its settings. */
import { expect, test } from "bun:test"
import { piModels } from "../../src/codecs/pi-models.codec.ts"

const table = `provider   model            context  max-out  thinking  images
anthropic  claude-opus-5-5  1M       128K     yes       yes
anthropic  claude-sonnet-5  1M       128K     yes       yes
fake       fake-model       128K     16.4K    no        no
fake       vendor/other     128K     16.4K    no        no
`
const all = ["anthropic/claude-opus-5-5", "anthropic/claude-sonnet-5", "fake/fake-model", "fake/vendor/other"]

const withSettings = (own?: unknown, project?: unknown) =>
  piModels.decode(table, {
    ...(own === undefined ? {} : { "~/.pi/agent/settings.json": JSON.stringify(own) }),
    ...(project === undefined ? {} : { ".pi/settings.json": JSON.stringify(project) }),
  })
const enabling = (...patterns: ReadonlyArray<string>) => withSettings({ enabledModels: patterns })

test("the table's first columns are the names that a spawn takes", () => {
  expect(piModels.decode(table, {})).toEqual(all)
})

test("the settings select models, in the settings' order", () => {
  expect(enabling("fake/fake-model", "anthropic/claude-opus-5-5")).toEqual(["fake/fake-model", all[0] ?? ""])
  expect(enabling("anthropic/*")).toEqual(all.slice(0, 2))
  expect(enabling("CLAUDE-*:high")).toEqual(all.slice(0, 2))
  expect(enabling("fake-model")).toEqual(["fake/fake-model"])
  expect(enabling("vendor/other")).toEqual(["fake/vendor/other"])
  expect(enabling("opus")).toEqual([all[0] ?? ""])
})

test("the project's settings precede the user's", () => {
  expect(withSettings({ enabledModels: ["opus"] }, { enabledModels: ["sonnet"] })).toEqual([all[1] ?? ""])
  expect(withSettings({ enabledModels: ["opus"] }, { theme: "dark" })).toEqual([all[0] ?? ""])
})

test("settings that enable nothing or cannot be read select all models", () => {
  expect(enabling("no-such-model", "((", "[")).toEqual(all)
  expect(withSettings({ enabledModels: [] })).toEqual(all)
  expect(withSettings({ enabledModels: "opus" })).toEqual(all)
  expect(piModels.decode(table, { "~/.pi/agent/settings.json": "{" })).toEqual(all)
})

test("a sentence is not a list", () => {
  expect(piModels.decode("No models available. Use /login to log into a provider.\n", {})).toEqual([])
  expect(piModels.decode("", {})).toEqual([])
})
