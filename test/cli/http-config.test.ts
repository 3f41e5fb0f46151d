/** Errors in the configuration of an HTTP driver, which never repeat a possible key; and such a driver in discovery. */
import { describe, expect, test } from "bun:test"
import { join } from "node:path"
import { makeWorld } from "../support/mill.ts"

const world = makeWorld()
const program = world.write("p.ts", "export default 1")

const configure = (name: string, driver: string) => {
  world.write(
    `${name}/mill.config.ts`,
    `import { chatCompletionsCodec, claudeCodec, defineConfig, httpDriver, processDriver } from "@mill/core"
const codec = chatCompletionsCodec()
export default defineConfig({ defaultDriver: "api", drivers: { api: ${driver} } })\n`,
  )
  return { cwd: join(world.dir, name), env: { SET_KEY: "value-of-a-key", UNSET_KEY: undefined } }
}

const mistakes: Record<string, readonly [driver: string, key: string, message: RegExp, hint?: RegExp]> = {
  "an unknown key": [
    `httpDriver({ urll: "x", codec })`,
    "drivers.api.urll",
    /unknown key/,
    /did you mean url\?/,
  ],
  "a key of process drivers": [
    `httpDriver({ url: "http://x", codec, args: [] })`,
    "drivers.api.args",
    /unknown key/,
  ],
  "no url": [`httpDriver({ codec })`, "drivers.api.url", /is missing/],
  "a url with credentials": [
    `httpDriver({ url: "http://u:s3cret@x", codec })`,
    "drivers.api.url",
    /without credentials/,
  ],
  "a url with a key": [
    `httpDriver({ url: "http://x?api_key=s3cret", codec })`,
    "drivers.api.url",
    /without the query parameter api_key/,
  ],
  "a key in place of its name": [
    `httpDriver({ url: "http://x", codec, apiKey: "s3cret" })`,
    "drivers.api.apiKey",
    /expected an object/,
  ],
  "a key as a name": [
    `httpDriver({ url: "http://x", codec, apiKey: { env: "sk-s3cret" } })`,
    "drivers.api.apiKey.env",
    /an environment variable name/,
  ],
  "a header name with a space": [
    `httpDriver({ url: "http://x", codec, headers: { "a b": "s3cret" } })`,
    "drivers.api.headers",
    /has an invalid name; expected a header name/,
  ],
  "the codec of a command": [
    `httpDriver({ url: "http://x", codec: claudeCodec() })`,
    "drivers.api.codec",
    /an HTTP API codec, such as/,
  ],
  "the codec of an API for a command": [
    `processDriver({ command: "ls", codec })`,
    "drivers.api.codec",
    /a command codec, such as/,
  ],
  "an unknown type of driver": [
    `{ type: "https" }`,
    "drivers.api",
    /create it with processDriver or httpDriver/,
  ],
}

describe("a configuration is refused if it has", () => {
  for (const [name, [driver, key, message, hint]] of Object.entries(mistakes)) {
    test(name, async () => {
      const { code, stderr, stdout } = await world.mill(
        ["run", program, "--dry-run", "--json"],
        configure(name, driver),
      )
      expect(code).toBe(2)
      const { error } = JSON.parse(stdout)
      expect(error).toMatchObject({ _tag: "ConfigError", key, message: expect.stringMatching(message) })
      if (hint !== undefined) expect(error.hint).toMatch(hint)
      expect(stdout + stderr).not.toContain("s3cret")
    })
  }
})

test("discovery shows the URL of an API, and whether its key is set", async () => {
  for (const [variable, available] of [
    ["SET_KEY", true],
    ["UNSET_KEY", false],
  ] as const) {
    const driver = `httpDriver({ url: "http://x", codec: chatCompletionsCodec({ models: ["m"] }), apiKey: { env: "${variable}" } })`
    const { stdout } = await world.mill(["--help", "--json"], configure(variable, driver))
    expect(JSON.parse(stdout).drivers.api).toEqual({
      description: "sends each spawn to http://x/v1/chat/completions in the chat-completions format",
      modelFormat: "a model name that the server accepts",
      models: ["m"],
      modelsFrom: "known",
      default: true,
      available,
      url: "http://x/v1/chat/completions",
    })
    expect(stdout).not.toContain("value-of-a-key")
  }
})
