/** `mill --help --json` contains all it takes to write, check, submit and read a program. */
import { beforeAll, describe, expect, test } from "bun:test"
import { join } from "node:path"
import { Schema } from "effect"
import { Discovery } from "../../src/domain/discovery.schema.ts"
import { makeWorld, repository, writeScript } from "../support/mill.ts"

const world = makeWorld()
const decode = Schema.decodeUnknownSync(Discovery, { onExcessProperty: "error" })
const system = { PATH: "/usr/bin:/bin" }

/** Reads the payload in a folder of the world. */
const discover = async (
  folder = ".",
  env: Readonly<Record<string, string>> = system,
  args = ["--help", "--json"],
) => {
  const { code, stderr, stdout } = await world.mill(args, { cwd: join(world.dir, folder), env })
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
  expect(stdout.trim()).not.toContain("\n")
  return decode(JSON.parse(stdout))
}

const writeConfig = (folder: string, config: string) =>
  world.write(
    `${folder}/mill.config.ts`,
    `import { claudeCodec, defineConfig, piCodec, processDriver } from "@mill/core"\nexport default defineConfig(${config})\n`,
  )

/** Type-checks files of a folder of the world, without any other types. */
const checkTypes = async (folder: string, files: ReadonlyArray<string>) => {
  const options = {
    target: "ESNext",
    module: "ESNext",
    moduleResolution: "bundler",
    lib: ["ESNext"],
    types: [],
  }
  world.write(
    `${folder}/tsconfig.json`,
    JSON.stringify({ compilerOptions: { ...options, strict: true, noEmit: true }, files }),
  )
  const tsgo = join(repository, "node_modules/.bin/tsgo")
  const checked = Bun.spawn([tsgo, "-p", join(world.dir, folder)], { stdout: "pipe" })
  return (await new Response(checked.stdout).text()).trim()
}

/** Finds the entries of `wanted` that are not in the list. */
const findMissing = (list: ReadonlyArray<string> | undefined, wanted: ReadonlyArray<string>) =>
  wanted.filter((one) => list?.includes(one) !== true)

const splitWords = (line: string, values: Readonly<Record<string, string>>): ReadonlyArray<string> =>
  line
    .split(" ")
    .slice(1)
    .map((word) => values[word] ?? word)

describe("in an empty folder", () => {
  let payload: Discovery
  beforeAll(async () => {
    world.write("empty/.keep", "")
    payload = await discover("empty")
  })

  test("the payload matches the specification and is the same without --help", async () => {
    expect(payload).toMatchObject({
      discoveryVersion: 1,
      programApi: {
        spawnRequired: ["agent", "systemPrompt", "prompt"],
        spawnOptional: ["model", "sessionRef"],
      },
      authoring: { instructions: expect.any(String) },
      async: {
        submit: "mill run <program.ts> --json",
        status: "mill status <runId> --json",
        wait: "mill wait <runId> --timeout 30 --json",
      },
    })
    expect(
      findMissing(payload.programApi.resultFields, [
        "text",
        "sessionRef",
        "agent",
        "model",
        "driver",
        "exitCode",
        "stopReason",
      ]),
    ).toEqual([])
    expect(Object.keys(payload.drivers)).toEqual(["claude", "pi", "codex", "offline"])
    expect(Object.values(payload.drivers).map(({ available }) => available)).toEqual([
      false,
      false,
      false,
      true,
    ])
    expect(payload.defaults).toMatchObject({
      executor: "direct",
      problem: { hint: expect.stringContaining("offline") },
    })
    expect(payload).not.toContainAnyKeys(["config", "configError"])
    expect(await discover("empty", system, ["--json"])).toEqual(payload)
  })

  test("the example type-checks, runs offline and has a readable result", async () => {
    const { async, programApi } = payload
    const { example, types, typesFile } = programApi
    world.write(`empty/${typesFile}`, types)
    world.write(`empty/${example.file}`, example.source)
    expect(await checkTypes("empty", [example.file])).toBe("")
    const here = { cwd: join(world.dir, "empty"), env: system }

    const rehearsed = await world.mill(splitWords(example.rehearse, {}), here)
    expect(JSON.parse(rehearsed.stdout)).toMatchObject({ result: { programResult: expect.any(String) } })

    const submit = splitWords(async.submit, { "<program.ts>": example.file })
    const { paths, runId } = JSON.parse((await world.mill([...submit, "--driver", "offline"], here)).stdout)
    const waited = await world.mill(splitWords(async.wait, { "<runId>": runId }), here)
    expect(waited.code).toBe(0)
    const asked = await world.mill(splitWords(async.status, { "<runId>": runId }), here)
    const record = JSON.parse(asked.stdout)
    expect(record).toMatchObject({ status: "complete", spawns: { complete: 3 } })
    expect(findMissing(payload.records["RunRecord"], Object.keys(record))).toEqual([])
    const result = await Bun.file(paths.resultFile).json()
    expect(result.programResult).toMatch(/offline/)
    expect(findMissing(payload.records["RunResult"], Object.keys(result))).toEqual([])
    for (const spawn of result.spawns)
      expect(findMissing(payload.records["SpawnSummary"], Object.keys(spawn))).toEqual([])
  })

  test("the types declare all documented names and reject wrong calls", async () => {
    const { error, globals, resultFields, types, typesFile } = payload.programApi
    const literal = (names: ReadonlyArray<string>) => names.map((name) => JSON.stringify(name)).join(" | ")
    world.write(`names/${typesFile}`, types)
    world.write(
      "names/good.ts",
      `/// <reference path="./${typesFile}" />
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false
export const result: Same<keyof MillSpawnResult, ${literal(resultFields)}> = true
export const known: Same<keyof NonNullable<MillSpawnError["result"]>, ${literal(error.resultFields)}> = true
export const error: Same<Exclude<keyof MillSpawnError, "name" | "stack">, ${literal(error.fields)}> = true
export const global: Same<keyof Mill, ${literal(Object.keys(globals).map((name) => name.replace("mill.", "")))}> = true
`,
    )
    world.write(
      "names/bad.ts",
      `/// <reference path="./${typesFile}" />\nexport default await mill.spawn({ agent: "a", prompt: "p" })\n`,
    )
    expect(await checkTypes("names", ["good.ts"])).toBe("")
    expect(await checkTypes("names", ["bad.ts"])).toMatch(/systemPrompt/)
  })

  test("a program gets the documented causes and exit codes", async () => {
    const source = `const failed = (error) => ({ name: error.name, cause: error.cause, result: error.result })
const spawn = (prompt) => mill.spawn({ agent: "a", systemPrompt: "s", prompt, model: "m" }).catch(failed)
mill.log(\`\${mill.run.id} \${mill.args.join()}\`)
return await Promise.all([spawn("[fail no luck]"), spawn("[exit 3]"), spawn("")])`
    const program = world.write("causes.ts", source)
    const { code, events, result } = await world.run(program, ["--driver", "offline", "--", "one"])
    expect(code).toBe(0)
    const failures = Schema.decodeUnknownSync(
      Schema.Array(
        Schema.Struct({ name: Schema.String, cause: Schema.String, result: Schema.optionalKey(Schema.Any) }),
      ),
    )(result.programResult)
    expect(failures.map(({ cause }) => cause)).toEqual(["agent-error", "exit", "invalid-input"])
    for (const failure of failures) {
      expect(failure.name).toBe(payload.programApi.error.name)
      expect(Object.keys(payload.programApi.error.causes)).toContain(failure.cause)
      expect(findMissing(payload.programApi.error.resultFields, Object.keys(failure.result ?? {}))).toEqual(
        [],
      )
    }
    for (const { payload: fields, type } of events)
      expect(findMissing(payload.events[type], Object.keys(fields))).toEqual([])
    const refused = await world.mill(["run", "no-such.ts", "--json"])
    expect(payload.exitCodes[String(refused.code)]?.errors).toContain(JSON.parse(refused.stdout).error._tag)
  })

  test("the payload contains every command's help, and the examples are valid command lines", async () => {
    const { commands, globalFlags, records } = payload
    expect(
      findMissing(Object.keys(commands), ["run", "status", "wait", "watch", "ls", "cancel", "init"]),
    ).toEqual([])
    expect(Object.keys(commands).filter((name) => name.startsWith("_"))).toEqual([])
    expect(
      findMissing(
        globalFlags.map(({ name }) => name),
        ["--json", "--runs-dir", "--help", "--completions"],
      ),
    ).toEqual([])
    // Types are part of the format, although help shows them to people.
    expect(globalFlags.find(({ name }) => name === "--runs-dir")?.type).toBe("folder")
    for (const [name, command] of Object.entries(commands)) {
      const { stdout } = await world.mill([name, "--help", "--json"])
      expect(JSON.parse(stdout)).toEqual({ name, ...command, globalFlags: [...globalFlags] })
      expect(command.examples.length, name).toBeGreaterThan(0)
      expect(command.json, name).toBeString()
      for (const [record] of (command.json ?? "").matchAll(/\b[A-Z][a-z]+[A-Z]\w+/g))
        expect(Object.keys(records)).toContain(record)
      const flags = [...command.flags, ...globalFlags].map((flag) => flag.name)
      for (const example of command.examples) {
        expect(example.command).toStartWith(`mill ${name}`)
        const [before = ""] = example.command.split(" -- ")
        expect(
          findMissing(
            flags,
            [...before.matchAll(/--[a-z-]+/g)].map(([flag]) => flag),
          ),
        ).toEqual([])
      }
    }
  })
})

describe("a configuration", () => {
  test("adds its drivers, instructions and extensions, with types", async () => {
    const path = writeConfig(
      "rich",
      `{
  defaultDriver: "reader",
  drivers: { reader: processDriver({ command: "sh", codec: claudeCodec(), description: "reads, changes nothing" }) },
  authoring: { instructions: "Cheap models search." },
  extensions: [{
    name: "tracker", description: "Tickets",
    api: { open: async () => 1, close: async () => 2 },
    docs: { open: { description: "Opens a ticket", type: "(title: string) => Promise<number>" } },
  }],
}`,
    )
    const payload = await discover("rich")
    expect(payload.config).toEqual({ path })
    expect(payload.defaults).toEqual({ driver: "reader", executor: "direct" })
    expect(payload.drivers["reader"]).toMatchObject({
      description: "reads, changes nothing",
      default: true,
      available: true,
      modelsFrom: "known",
    })
    expect(payload.authoring.instructions).toBe("Cheap models search.")
    expect(payload.extensions).toEqual([
      {
        name: "tracker",
        description: "Tickets",
        functions: {
          open: { description: "Opens a ticket", type: "(title: string) => Promise<number>" },
          close: {},
        },
      },
    ])
    world.write(`rich/${payload.programApi.typesFile}`, payload.programApi.types)
    world.write(
      "rich/use.ts",
      `/// <reference path="./${payload.programApi.typesFile}" />\nconst id: number = await mill.tracker.open("t")\nexport default id\n`,
    )
    expect(await checkTypes("rich", ["use.ts"])).toBe("")
    const { stdout } = await world.mill(["--help"], { cwd: join(world.dir, "rich") })
    expect(stdout).toMatch(
      /THIS DIRECTORY[^]*reader[^]*Cheap models search\.[^]*mill\.tracker\.open: \(title: string\)/,
    )
  })

  test.each([
    ["unknown key", "{ defaultDrivr: 'a' }", { key: "defaultDrivr", hint: "did you mean defaultDriver?" }],
    ["unknown driver", "{ defaultDriver: 'clade' }", { key: "defaultDriver", hint: "did you mean claude?" }],
    ["no TypeScript", "{ = }", {}],
    ["throws", "(() => { throw new Error('oh') })()", {}],
  ])("that is broken is reported, and help works anyway: %s", async (_, config, expected) => {
    const folder = `broken-${config.length}`
    const path = writeConfig(folder, config)
    const payload = await discover(folder)
    expect(payload.configError).toMatchObject({ path, ...expected })
    expect(payload.configError?.message).toContain(path)
    expect(Object.keys(payload.drivers)).toEqual(["claude", "pi", "codex", "offline"])
    const help = await world.mill(["--help"], { cwd: join(world.dir, folder) })
    expect(help).toMatchObject({ code: 0, stderr: "" })
    expect(help.stdout).toContain(payload.configError?.message ?? "?")
    expect(help.stdout).toContain("USAGE")
  })
})

describe("the models of the default driver", () => {
  const bin = join(world.dir, "bin")
  const discoverModels = (name: string, body: string) => {
    writeScript(world, `${name}/bin/pi`, body)
    const folder = join(world.dir, name)
    return discover(name, { HOME: folder, PATH: `${folder}/bin:/usr/bin:/bin` })
  }
  const table = `printf 'provider  model  context\\nfake      one    128K\\nfake      two    128K\\n'`

  test("are those that its command lists, and the example uses one", async () => {
    const payload = await discoverModels(
      "lists",
      `[ "$1" = --list-models ] && [ "$PI_OFFLINE" = 1 ] && ${table}`,
    )
    expect(payload.defaults.driver).toBe("pi")
    expect(payload.drivers["pi"]).toMatchObject({
      models: ["fake/one", "fake/two"],
      modelsFrom: "agent",
      default: true,
    })
    expect(payload.programApi.example.source).toContain('"fake/one"')
  })

  test("are those that its settings enable", async () => {
    world.write("enabled/.pi/agent/settings.json", '{"enabledModels":["fake/two"]}')
    const payload = await discoverModels("enabled", table)
    expect(payload.drivers["pi"]?.models).toEqual(["fake/two"])
  })

  test.each([
    ["hangs", "sleep 300 & sleep 300", /pi --list-models did not answer within/],
    ["fails", "echo no >&2; exit 4", /exited with code 4/],
    ["prints no list", "echo hello", /listed no models/],
  ])("are the known ones if its command %s", async (name, body, problem) => {
    const { pi } = (await discoverModels(name.replaceAll(" ", "-"), body)).drivers
    expect(pi).toMatchObject({
      models: [],
      modelsFrom: "known",
      modelsProblem: expect.stringMatching(problem),
    })
  })

  test("are listed neither for plain help nor for other drivers", async () => {
    const called = join(world.dir, "called")
    writeScript(world, "bin/pi", `touch ${called}`)
    writeScript(world, "bin/claude", "exit 1")
    const env = { PATH: `${bin}:/usr/bin:/bin` }
    world.write("bin/mill.config.ts", "export default {}")
    await world.mill(["--help"], { cwd: bin, env })
    const { claude, pi } = (await discover("bin", env)).drivers
    expect(claude).toMatchObject({ default: true, modelsFrom: "known" })
    expect(claude).not.toHaveProperty("modelsProblem")
    expect(pi).toMatchObject({ default: false, modelsFrom: "known" })
    expect(await Bun.file(called).exists()).toBe(false)
  })
})

test("mill --help works without HOME", async () => {
  const env = { HOME: undefined, MILL_HOME: undefined }
  const { code, stderr, stdout } = await world.mill(["--help", "--json"], { env })
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
  expect(decode(JSON.parse(stdout)).discoveryVersion).toBe(1)
})

test("mill --version --json prints JSON", async () => {
  const { stdout } = await world.mill(["--version", "--json"])
  expect(JSON.parse(stdout)).toEqual({ name: "mill", version: expect.stringMatching(/^\d+\.\d+\.\d+$/) })
})
