/** mill uses the nearest configuration up to the repository's root, else the user's, else none. */
import { describe, expect, test } from "bun:test"
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { makeWorld, writeScript } from "../support/mill.ts"

const world = makeWorld()
const program = world.write("elsewhere/program.ts", `export default 1`)
const config = (name: string) => `import { defineConfig, jsonlCodec, processDriver } from "@mill/core"
export default defineConfig({
  defaultDriver: ${JSON.stringify(name)},
  drivers: { ${JSON.stringify(name)}: processDriver({ command: "true", codec: jsonlCodec() }) },
})`

/** Reads from `mill run --dry-run` which configuration and driver it uses. */
const findUsed = async (cwd: string, env: Readonly<Record<string, string>> = {}) => {
  mkdirSync(join(world.dir, cwd), { recursive: true })
  const options = { cwd: join(world.dir, cwd), env: { HOME: join(world.dir, "no-user"), ...env } }
  const { stdout } = await world.mill(["run", program, "--dry-run", "--json"], options)
  const { config: sources = [], driver, error } = JSON.parse(stdout)
  if (error !== undefined) return error.message
  return [sources[0]?.path.replace(`${world.dir}/`, ""), driver.name]
}

test.concurrent("mill uses the configuration in the working directory", async () => {
  world.write("here/mill.config.ts", config("here"))
  world.write("mill.config.ts", config("above"))
  expect(await findUsed("here")).toEqual(["here/mill.config.ts", "here"])
})

describe("the nearest configuration above", () => {
  test.concurrent.each([[".git"], [".jj"]])("is searched up to the folder with %s", async (mark) => {
    const name = mark.slice(1)
    world.write(`${name}-outside/mill.config.ts`, config("outside"))
    mkdirSync(join(world.dir, `${name}-outside/repo/${mark}`), { recursive: true })
    expect((await findUsed(`${name}-outside/repo/a/b`))[0]).not.toBe(`${name}-outside/mill.config.ts`)
    world.write(`${name}-outside/repo/mill.config.ts`, config("root"))
    expect(await findUsed(`${name}-outside/repo/a/b`)).toEqual([
      `${name}-outside/repo/mill.config.ts`,
      "root",
    ])
    world.write(`${name}-outside/repo/a/mill.config.ts`, config("nearer"))
    expect(await findUsed(`${name}-outside/repo/a/b`)).toEqual([
      `${name}-outside/repo/a/mill.config.ts`,
      "nearer",
    ])
  })

  test.concurrent("is not searched above a worktree, whose .git is a file", async () => {
    world.write("tree-outside/mill.config.ts", config("outside"))
    world.write("tree-outside/tree/.git", "gitdir: elsewhere")
    expect((await findUsed("tree-outside/tree/a"))[0]).not.toBe("tree-outside/mill.config.ts")
  })

  test.concurrent("is not the one in the home folder", async () => {
    world.write("user/mill.config.ts", config("home"))
    world.write("user/project/mill.config.ts", config("project"))
    const env = { HOME: join(world.dir, "user") }
    expect(await findUsed("user/project/a/b", env)).toEqual(["user/project/mill.config.ts", "project"])
    expect((await findUsed("user/other/a", env))[0]).not.toBe("user/mill.config.ts")
    expect(await findUsed("user", env)).toEqual(["user/mill.config.ts", "home"])
  })
})

test.concurrent("the user's configuration is used last and can import @mill/core", async () => {
  world.write("apart/.git/HEAD", "")
  world.write("mine/config.ts", config("mine"))
  expect(await findUsed("apart", { MILL_HOME: join(world.dir, "mine") })).toEqual(["mine/config.ts", "mine"])
  world.write("man/.mill/config.ts", config("man"))
  const env = { MILL_HOME: "", HOME: join(world.dir, "man") }
  expect(await findUsed("apart", env)).toEqual(["man/.mill/config.ts", "man"])
})

test.concurrent("a broken user configuration fails only the commands that need it", async () => {
  world.write("broken/config.ts", `throw new Error("no token")`)
  world.write("empty/.git/HEAD", "")
  const env = { MILL_HOME: join(world.dir, "broken") }
  expect(await findUsed("empty", env)).toContain("no token")
  const cwd = join(world.dir, "empty")
  expect(await world.mill(["ls", "--json"], { cwd, env })).toEqual({ code: 0, stdout: "[]\n", stderr: "" })
  expect((await world.mill(["--help"], { cwd, env })).code).toBe(0)
})

test.concurrent("mill run prints which configuration it uses", async () => {
  world.write("printed/mill.config.ts", `export default { defaultDriver: "offline" }`)
  const cwd = join(world.dir, "printed/deeper")
  mkdirSync(cwd)
  const path = join(world.dir, "printed/mill.config.ts")
  expect((await world.mill(["run", program], { cwd })).stderr).toContain(`config: ${path}`)
  expect(JSON.parse((await world.mill(["run", program, "--json"], { cwd })).stdout).configPath).toBe(path)
})

test.concurrent("paths in a configuration are relative to its folder", async () => {
  writeScript(world, "from/bin/agent", `echo "{\\"type\\":\\"result\\",\\"text\\":\\"$PWD\\"}"`)
  world.write("from/work/.keep", "")
  world.write(
    "from/mill.config.ts",
    `import { defineConfig, jsonlCodec, processDriver } from "@mill/core"
export default defineConfig({
  defaultDriver: "mine",
  drivers: { mine: processDriver({ command: "./bin/agent", cwd: "work", codec: jsonlCodec() }) },
})`,
  )
  const asking = world.write(
    "from/deep/er/ask.ts",
    `export default (await mill.spawn({ agent: "a", systemPrompt: "s", prompt: "p", model: "m" })).text`,
  )
  const { result } = await world.run(asking, [], { cwd: join(world.dir, "from/deep/er") })
  expect(result.programResult).toBe(join(world.dir, "from/work"))
})
