/** The package as installed in a project: the command, the modules and the types. */
import { expect, test } from "bun:test"
import { existsSync, readdirSync, writeFileSync } from "node:fs"
import { delimiter, join } from "node:path"
import { makeWorld, repository } from "../support/mill.ts"
import { runOrThrow, makeTemporaryFolder } from "./build.ts"

const project = makeTemporaryFolder()
const write = (name: string, text: string) => writeFileSync(join(project, name), text)
const tools = join(repository, "node_modules/.bin")

write("package.json", JSON.stringify({ name: "empty", private: true, type: "module" }))
const packed = runOrThrow(["npm", "pack", "--loglevel=error", "--pack-destination", project], repository)
// Installs from the package cache of the repository, without the network.
runOrThrow([process.execPath, "add", join(project, packed.trim().split("\n").at(-1) ?? "")], project)

// The PATH has Bun and the system commands only.
const PATH = [tools, "/usr/bin", "/bin"].join(delimiter)
const world = makeWorld([join(project, "node_modules/.bin/mill")])

test("contains the built files, and no sources", () => {
  const folder = join(project, "node_modules/@mill/core")
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) =>
    /\.\w+$/.test(name),
  )
  const modules = files.filter((name) => /^dist\/modules\/[\w.-]+\.js$/.test(name))
  expect(modules.length).toBeGreaterThan(0)
  const docs = files.filter((name) => /^docs\/[\w-]+\.(?:md|svg)$/.test(name))
  expect(docs).toContain("docs/drivers.md")
  const others = files.filter((name) => !name.endsWith(".d.ts") && ![...docs, ...modules].includes(name))
  expect(others.toSorted()).toEqual([
    "CHANGELOG.md",
    "README.md",
    "dist/acp-sdk.js",
    "dist/acp-sdk.js.jsc",
    "dist/core.js",
    "dist/mill.js",
    "dist/mill.js.jsc",
    "dist/parser.js",
    "dist/parser.js.jsc",
    "dist/program-host.js",
    "dist/testing.js",
    "package.json",
  ])
  expect(readdirSync(join(project, "node_modules")).toSorted()).toEqual([".bin", "@mill", "effect"])
  expect(existsSync(join(folder, "src/internal"))).toBe(false)
})

const config = `import { defineConfig, processDriver, textCodec } from "@mill/core"
export default defineConfig({
  defaultDriver: "shout",
  drivers: { shout: processDriver({ command: "tr", args: ["a-z", "A-Z"], codec: textCodec({ stdin: "{prompt}" }) }) },
})
`
const program = `/// <reference types="@mill/core/program" />
const { text } = await mill.spawn({ agent: "a", systemPrompt: "s", prompt: "Why?", model: "m" })
export default text
`

test("the command runs a program with a configuration", async () => {
  write("mill.config.ts", config)
  write("program.ts", program)
  const { result } = await world.run(join(project, "program.ts"), [], { cwd: project, env: { PATH } })
  expect(result.programResult).toBe("WHY?")
})

test("a script can import the module without running mill", () => {
  write("names.ts", `import { claudeCodec } from "@mill/core"\nconsole.log(claudeCodec().name)\n`)
  expect(runOrThrow([process.execPath, "names.ts"], project)).toBe("claude\n")
})

const here = (code: string) => code.replaceAll("STORE", JSON.stringify(join(project, "runs")))
const script = here(`import { createMill, RunNotFound, type RunResult } from "@mill/core"
await using mill = createMill({ runsDir: STORE, config: { defaultDriver: "offline" } })
const { runId } = await mill.submit({ program: "program.ts" })
const types: Array<string> = []
for await (const { event } of mill.watch(runId)) types.push(event.type)
const again: RunResult = await mill.runSync({ program: "program.ts" })
const missing = await mill.status("run_none").catch((error: unknown) => error instanceof RunNotFound)
console.log(JSON.stringify([types.at(-1), again.status, again.spawns[0]?.driver, missing]))
`)
const withEffect = here(`import { createEngine } from "@mill/core"
import { Context, Effect, Layer, ManagedRuntime, Stream } from "effect"
const program = Effect.gen(function* () {
  const engine = yield* createEngine({ runsDir: STORE, config: { defaultDriver: "offline" } })
  const { runId } = yield* engine.submit({ program: "program.ts" })
  const types = yield* engine.watch(runId).pipe(Stream.map(({ event }) => event.type), Stream.runCollect)
  const missing = yield* engine.status("run_none").pipe(
    Effect.as("there"),
    Effect.catchTag("RunNotFound", () => Effect.succeed("missing")),
  )
  return [types.at(-1), missing, Effect.isEffect(createEngine()), Context.isContext(yield* Effect.context<never>())]
}).pipe(Effect.scoped)
const runtime = ManagedRuntime.make(Layer.empty)
console.log(JSON.stringify(await runtime.runPromise(program)))
`)
const kit = `import { createTestMill, exit } from "@mill/core/testing"
export const tested = async () => {
  await using kit = await createTestMill({ agents: { a: ({ prompt }) => prompt.length > 3 ? "long" : exit(1) } })
  const { record, result, spawns } = await kit.run("program.ts")
  return [record.status, result.programResult, spawns[0]?.input.prompt]
}
`
const kitTest = `import { expect, test } from "bun:test"
import { tested } from "./kit.ts"
test("a program", async () => expect(await tested()).toEqual(["complete", "long", "Why?"]))
`

test("a script runs programs through the module", () => {
  write("program.ts", program)
  write("script.ts", script)
  const printed = runOrThrow([process.execPath, "script.ts"], project, { PATH })
  expect(JSON.parse(printed)).toEqual(["run:complete", "complete", "offline", true])
})

test("a program with Effect uses the project's own copy of effect", () => {
  write("program.ts", program)
  write("effect.ts", withEffect)
  const printed = runOrThrow([process.execPath, "effect.ts"], project, { PATH })
  expect(JSON.parse(printed)).toEqual(["run:complete", "missing", true, true])
})

test("a project's tests run programs through the test kit", () => {
  write("program.ts", program)
  write("kit.ts", kit)
  write("kit.test.ts", kitTest)
  const { exitCode, stderr } = Bun.spawnSync([process.execPath, "test", "kit.test.ts"], {
    cwd: project,
    env: { ...process.env, PATH },
  })
  expect(stderr.toString()).toContain("1 pass")
  expect(exitCode).toBe(0)
})

test("the module stays the same after a configuration has been evaluated", () => {
  write("mill.config.ts", config)
  write("program.ts", program)
  write(
    "same.ts",
    here(`import * as core from "@mill/core"
await using mill = core.createMill({ runsDir: STORE })
await mill.prepare({ program: "program.ts" })
const again: Record<string, unknown> = await import("@mill/core")
const differing = Object.entries(core).filter(([name, value]) => again[name] !== value)
const error = await mill.status("run_none").catch((error: unknown) => error)
console.log(JSON.stringify([differing.map(([name]) => name), Object.keys(core).length > 20, error instanceof again["RunNotFound"]]))
`),
  )
  const printed = runOrThrow([process.execPath, "same.ts"], project, { PATH })
  expect(JSON.parse(printed)).toEqual([[], true, true])
})

test("the module rejects other runtimes, and being bundled into another file", async () => {
  write("node.mjs", `import { createMill } from "@mill/core"\nawait createMill().list()\n`)
  const node = Bun.spawnSync(["node", "node.mjs"], { cwd: project })
  expect(node.stderr.toString()).toContain("mill requires Bun")
  write("script.ts", script)
  await Bun.build({ entrypoints: [join(project, "script.ts")], outdir: join(project, "out"), target: "bun" })
  const bundled = Bun.spawnSync([process.execPath, "out/script.js"], { cwd: project })
  expect(bundled.stderr.toString()).toContain("cannot find mill's own script")
  expect(bundled.exitCode).toBe(1)
})

test("the types accept correct code and report errors", () => {
  write("mill.config.ts", config)
  write("program.ts", program)
  write("script.ts", script)
  write("effect.ts", withEffect)
  write("kit.ts", kit)
  const check = (moduleResolution: string, module: string) => {
    const compilerOptions = {
      target: "esnext",
      module,
      moduleResolution,
      strict: true,
      noEmit: true,
      types: [],
    }
    const include = ["*.config.ts", "program.ts", "script.ts", "effect.ts", "kit.ts"]
    write("tsconfig.json", JSON.stringify({ compilerOptions, include }))
    return Bun.spawnSync([process.execPath, join(tools, "tsgo"), "-p", project]).stdout.toString()
  }
  expect(check("bundler", "esnext")).toBe("")
  expect(check("nodenext", "nodenext")).toBe("")
  write("mill.config.ts", config.replace(`"tr"`, "1"))
  write("program.ts", program.replace("prompt:", "prompts:"))
  const wrong = check("bundler", "esnext")
  expect(wrong).toContain("mill.config.ts(4,")
  expect(wrong).toContain("program.ts(2,")
})
