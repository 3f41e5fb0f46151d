/** Using mill as a library leaves the process of a script untouched. */
import { afterAll, expect, test } from "bun:test"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { repository } from "../support/mill.ts"

const timeout = 120_000
const folder = mkdtempSync(join(tmpdir(), "mill-script-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const slow = `await new Promise((done) => setTimeout(done, 300))
export default { defaultDriver: "offline" }`

/** Runs a script that has a mill, whose configuration is `config`. */
const run = async (name: string, script: string, config: string) => {
  const path = join(folder, `${name}.ts`)
  const configPath = join(folder, `${name}.config.ts`)
  writeFileSync(configPath, config)
  writeFileSync(join(folder, "one.ts"), "export default 1")
  const options = { cwd: folder, runsDir: join(folder, "runs"), config: configPath }
  writeFileSync(
    path,
    `import * as core from "@mill/core"\nconst options = ${JSON.stringify(options)}\nconst mill = core.createMill(options)\n${script}`,
  )
  const tsconfig = join(repository, "tsconfig.json")
  const child = Bun.spawn([process.execPath, "--tsconfig-override", tsconfig, path], {
    stdout: "pipe",
    stderr: "pipe",
  })
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()])
  return { code: await child.exited, stdout, stderr }
}

test(
  "a script can exit, even while a configuration is evaluated",
  async () => {
    const script = `void mill.prepare({ program: "one.ts" }).catch(() => undefined)
setTimeout(() => process.exit(3), 150)`
    expect(await run("exit", script, slow)).toMatchObject({ code: 3, stderr: "" })
  },
  timeout,
)

test(
  "a script handles its own rejections",
  async () => {
    const script = `process.on("unhandledRejection", (error) => console.log("heard", error.message))
setTimeout(() => void Promise.reject(new Error("mine")), 150)
const { confirm } = await mill.prepare({ program: "one.ts" })
console.log(confirm, process.listenerCount("unhandledRejection"))`
    expect(await run("stray", script, slow)).toEqual({ code: 0, stdout: "heard mine\ntrue 1\n", stderr: "" })
  },
  timeout,
)

test(
  "importing the module again returns the same module",
  async () => {
    const script = `await mill.prepare({ program: "one.ts" })
const again = await import("@mill/core")
const names = Object.keys(core)
console.log(names.filter((name) => again[name] !== core[name]), Object.keys(again).filter((name) => name !== "default" && !names.includes(name)))
const error = await again.createMill(options).status("run_none").catch((error) => error)
console.log(error instanceof core.RunNotFound, error instanceof again.RunNotFound)`
    const config = `import { defineConfig } from "@mill/core"\nexport default defineConfig({ defaultDriver: "offline" })`
    expect(await run("same", script, config)).toEqual({ code: 0, stdout: "[] []\ntrue true\n", stderr: "" })
  },
  timeout,
)

test(
  "mill does not listen to standard input",
  async () => {
    const script = `const before = process.stdin.listenerCount("end")
const many = Array.from({ length: 12 }, () => core.createMill(options))
for (const one of many) await one.list()
console.log(process.stdin.listenerCount("end") - before, process.stdin.listenerCount("readable"))`
    expect(await run("many", script, slow)).toEqual({ code: 0, stdout: "0 0\n", stderr: "" })
  },
  timeout,
)
