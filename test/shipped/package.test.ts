/** The package, as it lies in a project that has installed it: the command, the module and the types. */
import { expect, test } from "bun:test"
import { existsSync, readdirSync, writeFileSync } from "node:fs"
import { delimiter, join } from "node:path"
import { makeWorld, repository } from "../support/mill.ts"
import { succeed, temporaryFolder } from "./build.ts"

const project = temporaryFolder()
const write = (name: string, text: string) => writeFileSync(join(project, name), text)
const tools = join(repository, "node_modules/.bin")

write("package.json", JSON.stringify({ name: "empty", private: true, type: "module" }))
const packed = succeed(["npm", "pack", "--loglevel=error", "--pack-destination", project], repository)
// From the packages that the repository has been installed with: no network is needed.
succeed([process.execPath, "add", join(project, packed.trim().split("\n").at(-1) ?? "")], project)

// Behind Bun and what a shell script needs, nothing is on the PATH.
const PATH = [tools, "/usr/bin", "/bin"].join(delimiter)
const world = makeWorld([join(project, "node_modules/.bin/mill")])

test("brings what is used, and no source", () => {
  const folder = join(project, "node_modules/@mill/core")
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) =>
    /\.\w+$/.test(name),
  )
  expect(files.filter((name) => !name.endsWith(".d.ts")).toSorted()).toEqual([
    "README.md",
    "dist/core.js",
    "dist/mill.js",
    "dist/mill.js.jsc",
    "dist/program-host.js",
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

test("the module can be imported without mill", () => {
  write("names.ts", `import { claudeCodec } from "@mill/core"\nconsole.log(claudeCodec().name)\n`)
  expect(succeed([process.execPath, "names.ts"], project)).toBe("claude\n")
})

test("the types check, with those of the packages, and say what is wrong", () => {
  write("mill.config.ts", config)
  write("program.ts", program)
  const check = (moduleResolution: string, module: string) => {
    const compilerOptions = {
      target: "esnext",
      module,
      moduleResolution,
      strict: true,
      noEmit: true,
      types: [],
    }
    write("tsconfig.json", JSON.stringify({ compilerOptions, include: ["*.config.ts", "program.ts"] }))
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
