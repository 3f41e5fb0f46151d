/** Imports of packages in folders without node_modules: mill never downloads one, although Bun would. */
import { afterAll, expect, test } from "bun:test"
import { join } from "node:path"
import { makeWorld, repository } from "../support/mill.ts"

const world = makeWorld()

/** A package registry that knows no package, and the paths that it was asked for. */
const asked: Array<string> = []
const registry = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch: ({ url }) => {
    asked.push(new URL(url).pathname)
    return new Response(undefined, { status: 404 })
  },
})
afterAll(() => registry.stop(true))

const env = {
  HOME: join(world.dir, "you"),
  BUN_CONFIG_REGISTRY: registry.url.href,
  NPM_CONFIG_REGISTRY: registry.url.href,
  npm_config_registry: registry.url.href,
  BUN_INSTALL: undefined,
  BUN_INSTALL_CACHE_DIR: undefined,
}

const dryRun = async (folder: string, program: string, config?: string) => {
  world.write(`${folder}/program.ts`, program)
  if (config !== undefined) world.write(`${folder}/mill.config.ts`, config)
  const cwd = join(world.dir, folder)
  return world.mill(["run", "program.ts", "--driver", "offline", "--dry-run"], { cwd, env })
}

test("Bun itself asks the registry", async () => {
  world.write("bun/ask.ts", `try { Bun.resolveSync("asked-by-bun", import.meta.dir) } catch {}`)
  const asking = Bun.spawn([process.execPath, "ask.ts"], {
    cwd: join(world.dir, "bun"),
    env: { PATH: process.env["PATH"], ...env },
  })
  await asking.exited
  expect(asked.splice(0)).toEqual(["/asked-by-bun"])
})

test("a program that imports a missing package is refused", async () => {
  const { code, stderr } = await dryRun("program", `import x from "absent/deep"\nexport default x\n`)
  expect(stderr).toContain(`cannot find "absent/deep"\n  at ${world.dir}/program/program.ts:1:15`)
  expect(code).toBe(2)
  expect(asked).toEqual([])
})

test("what a package.json and a tsconfig.json define is found", async () => {
  world.write(
    "aliases/package.json",
    JSON.stringify({ name: "self", exports: { "./x": "./x.ts" }, imports: { "#y": "./x.ts" } }),
  )
  world.write("aliases/tsconfig.json", JSON.stringify({ compilerOptions: { paths: { "alias/*": ["./*"] } } }))
  world.write("aliases/x.ts", "export default 2")
  const program = `import a from "self/x"\nimport b from "#y"\nimport c from "alias/x"\nimport { join } from "path"\nimport ws from "ws"\nexport default a * b * c\n`
  world.write("aliases/program.ts", program)
  const options = { cwd: join(world.dir, "aliases"), env }
  const { result } = await world.run("program.ts", ["--driver", "offline"], options)
  expect(result.programResult).toBe(8)
  const missing = await dryRun("aliases", `${program}import d from "self/y"\nimport e from "absent"\n`)
  expect(missing.stderr).toContain(`cannot find "self/y"`)
  expect(asked).toEqual([])
})

const configs = {
  "imports a missing package": [
    `import x from "absent"\nexport default { defaultDriver: x }`,
    /mill\.config\.ts:1:15: cannot find "absent"/,
  ],
  "loads a missing package": [
    `const { name } = await import("absent")\nexport default { defaultDriver: name }`,
    /Cannot find .*'absent'/,
  ],
  "imports a missing module of effect": [
    `import x from "effect/Absent"\nexport default { defaultDriver: x }`,
    /Cannot find .*'effect/,
  ],
  "imports a missing module of mill": [
    `import x from "@mill/core/absent"\nexport default { defaultDriver: x }`,
    /Cannot find .*'@mill\/core/,
  ],
} as const

test.each(Object.entries(configs))("a configuration that %s is refused", async (name, [config, message]) => {
  const { code, stderr } = await dryRun(name.replaceAll(" ", "-"), "export default 1", config)
  expect(stderr).toMatch(message)
  expect(code).toBe(2)
  expect(asked).toEqual([])
})

test("a configuration can do without a missing package", async () => {
  const config = `const codes = []
for (const load of [() => import("absent"), async () => require("absent-too")]) {
  await load().catch(({ code }) => codes.push(code))
}
export default { defaultDriver: codes.join() }
`
  world.write("optional/program.ts", "export default 1")
  world.write("optional/mill.config.ts", config)
  const { stderr } = await world.mill(["run", "program.ts", "--dry-run"], {
    cwd: join(world.dir, "optional"),
    env,
  })
  expect(stderr).toContain("ERR_MODULE_NOT_FOUND,ERR_MODULE_NOT_FOUND")
  expect(asked).toEqual([])
})

test("a script that submits such a program downloads nothing", async () => {
  world.write("script/program.ts", `import x from "absent"\nexport default x\n`)
  world.write(
    "script/script.ts",
    `import { createMill } from ${JSON.stringify(join(repository, "src/public/mill.api.ts"))}
await using mill = createMill({ runsDir: "runs", config: { defaultDriver: "offline" } })
console.log(await mill.submit({ program: "program.ts" }).catch((error) => error.message))
`,
  )
  const script = Bun.spawn([process.execPath, "script.ts"], {
    cwd: join(world.dir, "script"),
    env: { PATH: process.env["PATH"], ...env },
    stdout: "pipe",
  })
  expect(await script.stdout.text()).toContain(`cannot find "absent"`)
  expect(asked).toEqual([])
})
