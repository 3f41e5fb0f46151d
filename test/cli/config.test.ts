/** An invalid configuration is refused with one line that names its file and key; commands that do not need it work. */
import { beforeAll, describe, expect, test } from "bun:test"
import { mkdirSync, symlinkSync } from "node:fs"
import { join } from "node:path"
import { listEntries, makeWorld, waitForNoProcess } from "../support/mill.ts"

const world = makeWorld()
const offline = ["--driver", "offline"]
world.write("good.ts", `export default 1`)

const formatConfig = (fields: string) =>
  `import { claudeCodec, defineConfig, httpDriver, jsonlCodec, processDriver, responsesCodec, vmExecutor } from "@mill/core"
export default defineConfig({ ${fields} } as any)\n`
const formatDriver = (fields: string) =>
  formatConfig(`drivers: { mine: processDriver({ command: "true", codec: jsonlCodec(), ${fields} } as any) }`)

type Case = {
  readonly config: string
  readonly key?: string
  readonly message: RegExp
  readonly hint?: RegExp
}
const refused: Readonly<Record<string, Case>> = {
  "an unknown key": {
    config: formatConfig(`driver: {}`),
    key: "driver",
    message: /unknown key driver$/,
    hint: /did you mean drivers\?/,
  },
  "an unknown key that resembles no other": {
    config: formatConfig(`whatever: 1`),
    key: "whatever",
    message: /unknown key whatever$/,
    hint: /allowed keys: .*drivers.*maxRunDepth/,
  },
  "an unknown key of a driver": {
    config: formatDriver(`comand: "x"`),
    key: "drivers.mine.comand",
    message: /unknown key drivers\.mine\.comand$/,
    hint: /did you mean command\?/,
  },
  "a string for a number": {
    config: formatConfig(`maxRunDepth: "two"`),
    key: "maxRunDepth",
    message: /maxRunDepth is "two"; expected an integer greater than or equal to 0$/,
  },
  "a number that is too small": {
    config: formatDriver(`maxLineBytes: -1`),
    key: "drivers.mine.maxLineBytes",
    message: /drivers\.mine\.maxLineBytes is -1; expected/,
  },
  "a list for drivers": {
    config: formatConfig(`drivers: []`),
    key: "drivers",
    message: /drivers is an array; expected/,
  },
  "a string for a list": {
    config: formatDriver(`args: "-x"`),
    key: "drivers.mine.args",
    message: /drivers\.mine\.args is "-x"; expected an array$/,
  },
  "a number in the environment": {
    config: formatDriver(`env: { A: 1 }`),
    key: "drivers.mine.env.A",
    message: /drivers\.mine\.env\.A is invalid; expected a string$/,
  },
  "no command": {
    config: formatDriver(`command: undefined`),
    key: "drivers.mine.command",
    message: /drivers\.mine\.command is (?:missing|undefined)/,
  },
  "an empty command": {
    config: formatDriver(`command: ""`),
    key: "drivers.mine.command",
    message: /is ""; expected/,
  },
  "a value in place of a codec": {
    config: formatDriver(`codec: "jsonl"`),
    key: "drivers.mine.codec",
    message: /drivers\.mine\.codec is "jsonl"; expected a command codec/,
  },
  "an unknown key of authoring": {
    config: formatConfig(`authoring: { instruction: "x" }`),
    key: "authoring.instruction",
    message: /unknown key authoring\.instruction$/,
    hint: /did you mean instructions\?/,
  },
  "an extension with an unknown key": {
    config: formatConfig(`extensions: [{ name: "a" }, { name: "b", onevent: () => 1 }]`),
    key: "extensions.1.onevent",
    message: /unknown key extensions\.1\.onevent$/,
    hint: /did you mean onEvent\?/,
  },
  "an extension without a name": {
    config: formatConfig(`extensions: [{ api: {} }]`),
    key: "extensions.0.name",
    message: /extensions\.0\.name is missing$/,
  },
  "an extension with a reserved name": {
    config: formatConfig(`extensions: [{ name: "spawn" }]`),
    key: "extensions.0.name",
    message: /extensions\.0\.name is "spawn"; expected a name other than the reserved names/,
  },
  "an extension with a name that is not a valid variable name": {
    config: formatConfig(`extensions: [{ name: "my-own" }]`),
    key: "extensions.0.name",
    message: /extensions\.0\.name is "my-own"; expected a valid variable name/,
  },
  "two extensions with the same name": {
    config: formatConfig(`extensions: [{ name: "a" }, { name: "a" }]`),
    key: "extensions.1.name",
    message: /extensions\.1\.name is "a", but extensions\.0 already has that name$/,
  },
  "an extension function with a name that is not a valid variable name": {
    config: formatConfig(`extensions: [{ name: "a", api: { "b-c": async () => 1 } }]`),
    key: "extensions.0.api",
    message: /extensions\.0\.api\.b-c has an invalid name; expected a valid variable name$/,
  },
  "an extension function named then": {
    config: formatConfig(`extensions: [{ name: "a", api: { then: async () => 1 } }]`),
    key: "extensions.0.api",
    message:
      /extensions\.0\.api\.then has an invalid name; expected a different name; an object with a `then` function is treated as a promise$/,
  },
  "documentation of a missing extension function": {
    config: formatConfig(
      `extensions: [{ name: "a", api: { send: async () => 1 }, docs: { sent: { description: "Sends." } } }]`,
    ),
    key: "extensions.0.docs.sent",
    message: /extensions\.0\.docs\.sent documents a function that is not defined in api$/,
    hint: /did you mean send\?/,
  },
  "documentation of an extension without functions": {
    config: formatConfig(`extensions: [{ name: "a", docs: { sent: {} } }]`),
    key: "extensions.0.docs.sent",
    message: /docs\.sent documents a function/,
    hint: /functions in api: none/,
  },
  "a number in the environment of a sandbox": {
    config: formatConfig(`executors: { vm: vmExecutor({ setEnv: { TOKEN: 4711 } } as any) }`),
    key: "executors.vm.setEnv.TOKEN",
    message: /executors\.vm\.setEnv\.TOKEN is invalid; expected a string$/,
  },
  "a sandbox variable with an invalid name": {
    config: formatConfig(`executors: { vm: vmExecutor({ setEnv: { "A-B": "x" } }) }`),
    key: "executors.vm.setEnv",
    message: /executors\.vm\.setEnv\.A-B has an invalid name; expected an environment variable name$/,
  },
  "an unknown codec option of an unused driver": {
    config: formatConfig(
      `drivers: { a: processDriver({ command: "true", codec: claudeCodec({ permissionMod: "plan" } as any) }) }`,
    ),
    key: "drivers.a.codec",
    message: /: drivers\.a\.codec: claudeCodec: unknown key permissionMod; did you mean permissionMode\?$/,
  },
  "a codec option that resembles no other": {
    config: formatConfig(
      `drivers: { a: processDriver({ command: "true", codec: claudeCodec({ x: 1 } as any) }) }`,
    ),
    key: "drivers.a.codec",
    message: /: claudeCodec: unknown key x; allowed keys: tools, permissionMode, systemPrompt$/,
  },
  "an option of an API codec with the wrong type": {
    config: formatConfig(
      `drivers: { a: httpDriver({ url: "http://localhost", codec: responsesCodec({ maxTokens: "9" } as any) }) }`,
    ),
    key: "drivers.a.codec",
    message: /: drivers\.a\.codec: responsesCodec: maxTokens is "9"; expected an integer greater than 0$/,
  },
  "an extension function that is not a function": {
    config: formatConfig(`extensions: [{ name: "a", api: { go: 1 } }]`),
    key: "extensions.0.api.go",
    message: /extensions\.0\.api\.go is 1; expected a function/,
  },
  "a string for a boolean": {
    config: formatConfig(`confirm: "always"`),
    key: "confirm",
    message: /confirm is "always"; expected a boolean$/,
  },
  "an unknown default driver": {
    config: formatConfig(`defaultDriver: "mine"`),
    key: "defaultDriver",
    message: /unknown driver "mine"; available: claude, pi, codex, offline$/,
  },
  "an unknown default executor": {
    config: formatConfig(`defaultDriver: "offline", defaultExecutor: "direkt"`),
    key: "defaultExecutor",
    message: /: defaultExecutor: unknown executor "direkt"; available: direct, vm$/,
    hint: /did you mean direct\?/,
  },
  "code that throws": { config: `throw new Error("no token\\n  at all")`, message: /no token at all$/ },
  "code that never finishes": {
    config: `await new Promise(() => {})\nexport default {}`,
    message: /evaluation took longer than 10 seconds$/,
  },
  "code that exits the process": {
    config: `process.exit(0)`,
    message: /calls process\.exit\(0\)$/,
  },
  "code that throws in a timer": {
    config: `setTimeout(() => { throw new Error("late") }, 1)
await new Promise(() => {})`,
    message: /mill\.config\.ts: late$/,
  },
  "an unhandled rejection": {
    config: `void Promise.reject(new Error("lost"))\nawait new Promise(() => {})`,
    message: /mill\.config\.ts: lost$/,
  },
  "code that throws a value without a string form": {
    config: `throw { toString() { throw 1 } }`,
    message: /it threw a value that cannot be printed$/,
  },
  "a getter that throws": {
    config: `export default { get drivers() { throw 1 } }`,
    message: /the default export cannot be read/,
  },
  "a promise as its default export": {
    config: `const make = async () => ({ nonsense: 1 })\nexport default make()`,
    message: /the default export is a promise; await it first$/,
  },
  "a map as its default export": {
    config: `export default new Map([["defaultDriver", "nonsense"]])`,
    message: /the default export is a class instance; expected a plain object$/,
  },
  "a syntax error": { config: `export default {\n  drivers: {{\n}`, message: /mill\.config\.ts:2:\d+: / },
  "an import that cannot be resolved": {
    config: `\nimport { x } from "no-such-package"\nexport default { x }`,
    message: /mill\.config\.ts:2:19: .*no-such-package/,
  },
  "no default export": { config: `export const drivers = {}`, message: /has no default export$/ },
  "a function as its default export": {
    config: `export default () => ({})`,
    message: /the default export is a function; expected/,
  },
}

const makeFolderName = (name: string) => name.replace(/\W+/g, "-")

describe("a configuration is refused if it has", () => {
  test.concurrent.each(Object.entries(refused))("%s", async (name, { config, hint, key, message }) => {
    const path = world.write(`${makeFolderName(name)}/mill.config.ts`, config)
    const cwd = join(world.dir, makeFolderName(name))
    const ran = await world.mill(["run", "../good.ts", "--json", "--runs-dir", "runs", ...offline], { cwd })
    const { error } = JSON.parse(ran.stdout)
    expect([error._tag, error.key, ran.code]).toEqual(["ConfigError", key, 2])
    expect(error.message).toMatch(message)
    expect(error.message).toContain(path)
    if (hint !== undefined) expect(error.hint).toMatch(hint)
    const [first, second = "", ...more] = ran.stderr.trimEnd().split("\n")
    expect(first).toBe(`error: ${error.message}`)
    expect(second).toBe(error.hint === undefined ? "" : `  → ${error.hint}`)
    expect(more).toEqual([])
    expect(listEntries(join(cwd, "runs"))).toEqual([])
  })
})

describe("with a broken configuration", () => {
  let runId = ""
  beforeAll(async () => {
    runId = (await world.run("good.ts", offline)).record.id
    world.write("broken/mill.config.ts", `throw new Error("no token")`)
  })
  test.concurrent.each([["ls"], ["status last"], ["wait last --timeout 5"]])(
    "mill %s works anyway",
    async (line) => {
      const { code, stderr, stdout } = await world.mill([...line.split(" "), "--json"], {
        cwd: join(world.dir, "broken"),
      })
      expect([code, stderr]).toEqual([0, ""])
      expect(stdout).toContain(runId)
    },
  )
})

test("a configuration may import files, await and omit defineConfig", async () => {
  world.write(
    "apart/agents/mine.ts",
    `import { jsonlCodec, processDriver } from "@mill/core"
export const mine = processDriver({ command: "./agents/mine.sh", codec: jsonlCodec() })`,
  )
  world.write("apart/agents/mine.sh", `#!/bin/sh\necho '{"type":"result","text":"'"$0 $PWD"'"}'\n`, 0o755)
  world.write(
    "apart/mill.config.ts",
    `import { mine } from "./agents/mine.ts"
await Promise.resolve()
export default { defaultDriver: "mine", drivers: { mine } }`,
  )
  world.write(
    "apart/program.ts",
    `export default (await mill.spawn({ agent: "a", systemPrompt: "s", prompt: "p", model: "m" })).text`,
  )
  const cwd = join(world.dir, "apart")
  const { record, result } = await world.run("program.ts", [], { cwd })
  expect(record.driver).toBe("mine")
  expect(result.programResult).toBe(`${cwd}/agents/mine.sh ${cwd}`)
})

test("a folder named mill.config.ts is refused", async () => {
  mkdirSync(join(world.dir, "folder/mill.config.ts"), { recursive: true })
  const { code, stderr } = await world.mill(["run", "../good.ts", ...offline], {
    cwd: join(world.dir, "folder"),
  })
  expect(stderr).toMatch(/^error: .*mill\.config\.ts/)
  expect(stderr.trim().split("\n").length).toBeLessThanOrEqual(2)
  expect(code).toBe(2)
})

test.concurrent("output of a configuration goes to standard error, never to standard output", async () => {
  world.write(
    "chatty/mill.config.ts",
    `import { stdout } from "node:process"
import { Console } from "node:console"
console.log("said one")
process.stdout.write("said two\\n")
stdout.write("said three\\n")
new Console(process.stdout).log("said four")
console.group("said five")
console.count("said six")
console.groupEnd()
setTimeout(() => console.log("said late"), 0)
export default { defaultDriver: "offline" }`,
  )
  const cwd = join(world.dir, "chatty")
  for (const args of [["run", "../good.ts", "--dry-run"], ["run", "../good.ts"], ["--help"], ["init"]]) {
    const { code, stderr, stdout } = await world.mill([...args, "--json"], { cwd })
    expect(typeof JSON.parse(stdout)).toBe("object")
    expect(stderr).toMatch(/said one\nsaid two\nsaid three\nsaid four\nsaid five\n/)
    expect(stderr).toContain("said six: 1")
    expect(code).toBe(0)
  }
})

test.concurrent("a slow reader receives all output of a configuration", async () => {
  world.write(
    "verbose/mill.config.ts",
    `process.stdout.write("x".repeat(300_000))\nexport default { defaultDriver: "offline" }`,
  )
  const child = world.start(["run", "../good.ts", "--dry-run", "--json"], {
    cwd: join(world.dir, "verbose"),
  })
  expect(typeof (await new Response(child.stdout).json())).toBe("object")
  // The pipe is full at this point.
  expect(await new Response(child.stderr).text()).toContain("x".repeat(300_000))
  expect(await child.exited).toBe(0)
})

test.concurrent("a timer that a configuration leaves running delays neither a command nor the worker", async () => {
  world.write(
    "busy/mill.config.ts",
    `setInterval(() => {}, 1000)\nexport default { defaultDriver: "offline" }`,
  )
  const cwd = join(world.dir, "busy")
  const { stdout } = await world.mill(["run", "../good.ts", "--json"], { cwd })
  const { runId } = JSON.parse(stdout)
  expect((await world.mill(["wait", runId, "--timeout", "60"], { cwd })).code).toBe(0)
  await waitForNoProcess(runId)
})

test.concurrent("a configuration in an endless loop can be interrupted", async () => {
  world.write("endless/mill.config.ts", `console.error("evaluating")\nfor (;;) {}`)
  const child = world.start(["--help"], { cwd: join(world.dir, "endless") })
  for await (const chunk of child.stderr) if (new TextDecoder().decode(chunk).includes("evaluating")) break
  child.kill("SIGTERM")
  expect(await child.exited).not.toBe(0)
})

test.concurrent("a dangling link as configuration is an error", async () => {
  mkdirSync(join(world.dir, "dangling"))
  symlinkSync("/no/such/file", join(world.dir, "dangling/mill.config.ts"))
  const { code, stdout } = await world.mill(["run", "../good.ts", ...offline, "--json"], {
    cwd: join(world.dir, "dangling"),
  })
  expect([code, JSON.parse(stdout).error._tag]).toEqual([2, "ConfigError"])
})
