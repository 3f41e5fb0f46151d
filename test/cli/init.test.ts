/** `mill init` prepares a folder in which programs type-check and run without installing anything. */
import { describe, expect, test } from "bun:test"
import { mkdirSync, readdirSync, readFileSync, symlinkSync } from "node:fs"
import { join } from "node:path"
import { makeWorld, repository, writeScript } from "../support/mill.ts"

const world = makeWorld()
const written = ["example.ts", "mill-env.d.ts", "mill.config.ts"]

const makeFolder = (name: string): string => {
  const cwd = join(world.dir, name)
  mkdirSync(cwd, { recursive: true })
  return cwd
}

const paths = new Map<string, string>()

/** Makes a PATH with Bun and these commands, and without other agents. */
const makePath = (...names: ReadonlyArray<string>): string => {
  const name = `bin-${names.join("-")}`
  const known = paths.get(name)
  if (known !== undefined) return known
  for (const command of names) writeScript(world, `${name}/${command}`, `exit 1`)
  symlinkSync(process.execPath, join(makeFolder(name), "bun"))
  const path = `${join(world.dir, name)}:/usr/bin:/bin`
  paths.set(name, path)
  return path
}

const init = async (
  cwd: string,
  args: ReadonlyArray<string> = [],
  env: Readonly<Record<string, string>> = {},
) =>
  JSON.parse(
    (await world.mill(["init", "--json", ...args], { cwd, env: { PATH: makePath(), ...env } })).stdout,
  )

/** Type-checks files of a folder, with and without compiler options. */
const checkTypes = (cwd: string, ...files: ReadonlyArray<string>): string => {
  const tsgo = join(repository, "node_modules/.bin/tsgo")
  const check = (...options: ReadonlyArray<string>) =>
    Bun.spawnSync([process.execPath, tsgo, "--noEmit", ...options, ...files], { cwd }).stdout.toString()
  const strict = ["--strict", "--exactOptionalPropertyTypes", "--module", "esnext", "--target", "esnext"]
  return check() + check(...strict, "--moduleResolution", "bundler", "--types", "")
}

test.concurrent("in an empty folder, the written files type-check and run unchanged", async () => {
  const cwd = makeFolder("empty")
  expect(await init(cwd)).toEqual({
    created: ["mill.config.ts", "mill-env.d.ts", "example.ts"].map((name) => join(cwd, name)),
    kept: [],
  })
  expect(readdirSync(cwd).toSorted()).toEqual(written)
  expect(checkTypes(cwd, "mill.config.ts", "example.ts")).toBe("")
  const { code, record, result } = await world.run("example.ts", [], { cwd })
  expect([code, record.driver, result.spawns.length]).toEqual([0, "offline", 3])
  expect(typeof result.programResult).toBe("string")
})

test.concurrent("the type checker finds mistakes in a program and a configuration", async () => {
  const cwd = makeFolder("mistaken")
  await init(cwd)
  world.write(
    "mistaken/program.ts",
    `/// <reference path="./mill-env.d.ts" />\nawait mill.spawn({ agent: "a" })\nexport {}`,
  )
  world.write(
    "mistaken/bad.config.ts",
    `/// <reference path="./mill-env.d.ts" />
import { claudeCodec, defineConfig, processDriver } from "@mill/core"
export default defineConfig({ drivers: { a: processDriver({ comand: "claude", codec: claudeCodec({ tools: "Read" }) }) } })`,
  )
  expect(checkTypes(cwd, "program.ts")).toContain("systemPrompt")
  expect(checkTypes(cwd, "bad.config.ts")).toMatch(/comand[^]*not assignable to type 'readonly string/)
})

test.concurrent("existing files are left unchanged, and mill prints that", async () => {
  const cwd = makeFolder("kept")
  for (const name of written)
    world.write(`kept/${name}`, name === "mill.config.ts" ? `export default {}` : `mine`)
  expect(await init(cwd)).toEqual({
    created: [],
    kept: ["mill.config.ts", "mill-env.d.ts", "example.ts"].map((name) => join(cwd, name)),
  })
  expect(readFileSync(join(cwd, "example.ts"), "utf8")).toBe("mine")
  const { stdout } = await world.mill(["init"], { cwd })
  expect(stdout).toContain("already exists; left unchanged")
  expect(readdirSync(cwd).toSorted()).toEqual(written)
})

test.concurrent("if several commands run at once, each file is written once", async () => {
  const cwd = makeFolder("at-once")
  const all = await Promise.all(Array.from({ length: 5 }, () => init(cwd)))
  for (const name of written) {
    const path = join(cwd, name)
    expect(all.filter(({ created }) => created.includes(path))).toHaveLength(1)
    expect(all.filter(({ kept }) => kept.includes(path))).toHaveLength(4)
  }
  expect(readdirSync(cwd).toSorted()).toEqual(written)
})

describe("the agents on the PATH become drivers", () => {
  test.concurrent.each([
    [["claude"], "claude", "sonnet"],
    [["claude", "codex", "pi"], "claude", "sonnet"],
    [["codex"], "codex", "gpt-6.1-sol"],
  ])("%j", async (names, chosen, model) => {
    const name = `with-${names.join("-")}`
    const cwd = makeFolder(name)
    const PATH = makePath(...names)
    await init(cwd, [], { PATH })
    expect(checkTypes(cwd, "mill.config.ts", "example.ts")).toBe("")
    const options = { cwd, env: { PATH } }
    for (const driver of names) {
      const args = ["run", "example.ts", "--dry-run", "--json", "--driver", driver]
      const plan = JSON.parse((await world.mill(args, options)).stdout)
      expect(plan.driver).toMatchObject({ name: driver, codec: driver })
    }
    const plan = JSON.parse((await world.mill(["run", "example.ts", "--dry-run", "--json"], options)).stdout)
    expect(plan.driver.name).toBe(chosen)
    expect(readFileSync(join(cwd, "example.ts"), "utf8")).toContain(`const model = "${model}"`)
  })
})

test.concurrent("the types have the functions of the configuration's extensions", async () => {
  const cwd = makeFolder("extended")
  world.write(
    "extended/mill.config.ts",
    `import { defineConfig } from "@mill/core"
export default defineConfig({
  defaultDriver: "offline",
  extensions: [
    {
      name: "notify",
      description: "Sends messages.",
      api: { send: async () => null, plain: async () => null },
      docs: { send: { description: "Sends */ a message.", type: "(message: string) => Promise<void>" } },
    },
    { name: "silent" },
  ],
})`,
  )
  await init(cwd)
  const types = readFileSync(join(cwd, "mill-env.d.ts"), "utf8")
  expect(types).toContain("Sends messages.")
  world.write(
    "extended/good.ts",
    `/// <reference path="./mill-env.d.ts" />
await mill.notify.send("x")
await mill.notify.plain(1, "two")
export {}`,
  )
  world.write(
    "extended/bad.ts",
    `/// <reference path="./mill-env.d.ts" />\nawait mill.notify.send(1)\nmill.silent\nexport {}`,
  )
  expect(checkTypes(cwd, "good.ts", "mill.config.ts")).toBe("")
  expect(checkTypes(cwd, "bad.ts")).toMatch(/bad\.ts\(2,[^]*bad\.ts\(3,/)
})

test.concurrent("if the package is installed, the files refer to its types", async () => {
  const cwd = makeFolder("installed/deeper")
  mkdirSync(join(world.dir, "installed/node_modules/@mill"), { recursive: true })
  symlinkSync(repository, join(world.dir, "installed/node_modules/@mill/core"))
  await init(cwd)
  const types = readFileSync(join(cwd, "mill-env.d.ts"), "utf8")
  expect(types).toContain(`/// <reference types="@mill/core/program" />`)
  expect(types).not.toContain("declare module")
})

test.concurrent("--global writes the user's configuration, which applies without another one", async () => {
  const home = join(world.dir, "own")
  const env = { MILL_HOME: home }
  const cwd = makeFolder("global")
  world.write("global/.git/HEAD", "")
  expect(await init(cwd, ["--global"], env)).toEqual({
    created: [join(home, "config.ts"), join(home, "mill-env.d.ts")],
    kept: [],
  })
  expect(readdirSync(cwd)).toEqual([".git"])
  expect(checkTypes(home, "config.ts")).toBe("")
  world.write("global/program.ts", "export default 1")
  const { stdout } = await world.mill(["run", "program.ts", "--json"], { cwd, env })
  expect(JSON.parse(stdout).configPath).toBe(join(home, "config.ts"))
})

test.concurrent("several folders of a project type-check together and separately", async () => {
  const extension = `{ name: "notify", api: { send: async () => null }, docs: { send: { type: "(text: string) => Promise<void>" } } }`
  for (const name of ["together/one", "together/two"]) {
    world.write(`${name}/mill.config.ts`, `export default { extensions: [${extension}] }`)
    await init(makeFolder(name))
  }
  // The third folder has a hand-written configuration and the types from the discovery payload.
  const cwd = makeFolder("together/three")
  const { stdout } = await world.mill(["--help", "--json"], { cwd, env: { PATH: makePath() } })
  world.write("together/three/mill-env.d.ts", JSON.parse(stdout).programApi.types)
  expect((await init(cwd)).kept).toEqual([join(cwd, "mill-env.d.ts")])
  expect(checkTypes(cwd, "mill.config.ts", "example.ts")).toBe("")
  world.write("together/tsconfig.json", `{ "compilerOptions": { "strict": true, "types": [] } }`)
  const project = join(world.dir, "together")
  const check = () =>
    Bun.spawnSync([process.execPath, join(repository, "node_modules/.bin/tsgo"), "--noEmit", "-p", "."], {
      cwd: project,
    }).stdout.toString()
  expect(check()).toBe("")
  world.write("together/two/bad.ts", `await mill.spawn({ agent: "a" })\nawait mill.notify.send(1)\nexport {}`)
  expect(check()).toMatch(/bad\.ts\(1,[^]*systemPrompt[^]*bad\.ts\(2,/)
})

test.concurrent("a configuration in a folder above applies, and no second one is written", async () => {
  const config = world.write(
    "above/mill.config.ts",
    `export default { defaultDriver: "offline", extensions: [{ name: "notify", api: { send: async () => null } }] }`,
  )
  const cwd = makeFolder("above/below/deeper")
  expect(await init(cwd)).toEqual({
    created: [join(cwd, "mill-env.d.ts"), join(cwd, "example.ts")],
    kept: [config],
    configAbove: config,
  })
  expect(readFileSync(join(cwd, "mill-env.d.ts"), "utf8")).toContain("readonly notify")
  expect(checkTypes(cwd, "example.ts")).toBe("")
  const { code, stderr } = await world.mill(["init"], { cwd })
  expect([code, stderr]).toEqual([
    0,
    `${config} already applies here, so no new configuration file was written\n`,
  ])
})

test.concurrent.each([["((("], ["string; evil"], ["string) | (number"], ["any /*"]])(
  "an invalid type in the documentation of an extension is refused: %s",
  async (type) => {
    const name = `untyped-${type.length}`
    const path = world.write(
      `${name}/mill.config.ts`,
      `export default { defaultDriver: "offline", extensions: [{ name: "a", api: { f: async () => 1 }, docs: { f: { type: ${JSON.stringify(type)} } } }] }`,
    )
    const cwd = makeFolder(name)
    const { code, stdout } = await world.mill(["init", "--json"], { cwd })
    const { error } = JSON.parse(stdout)
    expect([code, error._tag, error.key]).toEqual([2, "ConfigError", "extensions.0.docs.f.type"])
    expect(error.message).toStartWith(`${path}: extensions.0.docs.f.type is ${JSON.stringify(type)}`)
    expect(readdirSync(cwd)).toEqual(["mill.config.ts"])
    const help = await world.mill(["--help", "--json"], { cwd })
    expect(JSON.parse(help.stdout).configError).toEqual({
      path,
      key: error.key,
      message: error.message,
      hint: error.hint,
    })
  },
)

describe("--skill writes one skill file", () => {
  const readSkill = (folder: string) => readFileSync(join(folder, ".agents/skills/mill/SKILL.md"), "utf8")

  test.concurrent("for the agents in this folder", async () => {
    const cwd = makeFolder("skilled")
    world.write("skilled/.git/HEAD", "")
    const path = join(cwd, ".agents/skills/mill/SKILL.md")
    expect(await init(cwd, ["--skill"])).toEqual({ created: [path], kept: [] })
    expect(readdirSync(cwd).toSorted()).toEqual([".agents", ".git"])
    expect(readSkill(cwd)).toMatch(/^---\nname: mill\ndescription: /)
    expect(await init(cwd, ["--skill"])).toEqual({ created: [], kept: [path] })
  })

  test.concurrent("that describes this folder's configuration and that claude finds too", async () => {
    const cwd = makeFolder("skilled-claude")
    world.write(
      "skilled-claude/mill.config.ts",
      `export default { defaultDriver: "offline", authoring: { instructions: "Speak of whales." },
  extensions: [{ name: "notify", api: { send: async () => null } }] }`,
    )
    const { created } = await init(cwd, ["--skill"], { PATH: makePath("claude") })
    expect(created).toEqual([join(cwd, ".agents/skills/mill/SKILL.md"), join(cwd, ".claude/skills/mill")])
    const found = readFileSync(join(cwd, ".claude/skills/mill/SKILL.md"), "utf8")
    expect(found).toBe(readSkill(cwd))
    expect(found).toContain("Speak of whales.")
    expect(found).toContain("mill.notify.send")
  })

  test.concurrent("in the home folder with --global", async () => {
    const cwd = makeFolder("skilled-global")
    const HOME = makeFolder("skilled-home")
    expect(await init(cwd, ["--skill", "--global"], { HOME })).toEqual({
      created: [join(HOME, ".agents/skills/mill/SKILL.md")],
      kept: [],
    })
    expect(readdirSync(cwd)).toEqual([])
  })
})

test.concurrent("an invalid configuration is reported, and nothing is written", async () => {
  const cwd = makeFolder("broken")
  world.write("broken/mill.config.ts", "export default {")
  const { code, stdout } = await world.mill(["init", "--json"], { cwd })
  expect([code, JSON.parse(stdout).error._tag]).toEqual([2, "ConfigError"])
  expect(readdirSync(cwd)).toEqual(["mill.config.ts"])
})

test.concurrent("an unwritable folder is reported in one line", async () => {
  world.write("file", "")
  const { code, stdout } = await world.mill(["init", "--global", "--json"], {
    env: { MILL_HOME: join(world.dir, "file/home") },
  })
  expect([code, JSON.parse(stdout).error._tag]).toEqual([1, "StoreError"])
})
