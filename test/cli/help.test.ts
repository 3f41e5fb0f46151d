/** The overview and the help for new users. */
import { describe, expect, test } from "bun:test"
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { CliOutput } from "effect/cli"
import { makeWorld, millCommand } from "../support/mill.ts"

const world = makeWorld()

describe("mill without arguments", () => {
  test("prints an overview that fits 80 columns and 24 rows with the prompt", async () => {
    const { stdout } = await world.mill([])
    const lines = stdout.trimEnd().split("\n")
    expect(lines.length).toBeLessThan(24)
    for (const line of lines) expect(CliOutput.displayWidth(line)).toBeLessThanOrEqual(80)
  })

  test("lists every command and where to find more", async () => {
    const card = (await world.mill([])).stdout
    const { commands } = JSON.parse((await world.mill(["--json"])).stdout)
    expect([...card.matchAll(/^ {2}mill ([a-z]+)/gm)].map(([, name]) => name)).toEqual(Object.keys(commands))
    expect(card).toContain("mill --help --json")
  })
})

// The single executable fails before mill starts if its folder is missing.
test.skipIf(millCommand.length === 1).each([[["--help", "--json"]], [["--json"]]])(
  "a failure while mill %j prints is reported as an error",
  async (args) => {
    const cwd = join(world.dir, `gone-${args.length}`)
    mkdirSync(cwd)
    const gone = ["sh", "-c", `rmdir "$0" && exec "$@"`, cwd, ...millCommand, ...args]
    const env = { ...process.env, MILL_HOME: join(world.dir, "home") }
    const started = Bun.spawn(gone, { cwd, env, stdout: "pipe", stderr: "pipe" })
    const [stdout, stderr, code] = await Promise.all([
      started.stdout.text(),
      started.stderr.text(),
      started.exited,
    ])
    expect([JSON.parse(stdout).error._tag, code]).toEqual(["UsageError", 2])
    expect(stderr).toMatch(/^error: the working directory no longer exists\n/)
  },
)

describe("mill --help", () => {
  test("shows a program that runs unchanged", async () => {
    const { stdout } = await world.mill(["--help"])
    const lines = stdout.split("\n").map((line) => line.slice(2))
    const first = lines.findIndex((line) => line.startsWith("  const answers"))
    const last = lines.findIndex((line) => line.startsWith("  export default"))
    const program = world.write("shown.ts", lines.slice(first, last + 1).join("\n"))
    const { result } = await world.run(program, ["--driver", "offline"])
    expect(result.programResult).toEqual([expect.stringMatching(/Rust-fan/), expect.stringMatching(/Go-fan/)])
  })

  test("has no section about this folder without a configuration", async () => {
    const { stdout } = await world.mill(["--help"])
    expect(stdout).toContain("WRITING PROGRAMS")
    expect(stdout).not.toContain("THIS DIRECTORY")
  })

  test("of a command does not read the configuration", async () => {
    world.write("bad/mill.config.ts", "throw new Error('read')")
    const { code, stderr, stdout } = await world.mill(["run", "--help"], { cwd: `${world.dir}/bad` })
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
    expect(stdout).toContain("EXAMPLES")
    expect(stdout).not.toMatch(/WRITING|read'/)
  })
})
