/** What a program prints, as `run --sync` shows it. */
import { describe, expect, test } from "bun:test"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { makeWorld, millCommand, waitFor } from "../support/mill.ts"
import { startInTerminal } from "../support/terminal.ts"

const world = makeWorld()
const runSync = (program: string, ...more: ReadonlyArray<string>) =>
  world.mill(["run", program, "--driver", "offline", "--sync", ...more])

const prints = world.write(
  "prints.ts",
  `console.log("first")
console.error("\\u001b[31mto stderr\\u001b[0m")
console.log("\\u001b]0;title\\u0007plain \\u001b[2J\\u001b[Htext")
process.stdout.write("10 %\\r50 %\\rdone\\n")
console.log("x".repeat(10_000))
process.stdout.write("no line feed")
export default "result"`,
)
const shown = [
  "program │ first",
  "program │ plain text",
  "program │ done",
  `program │ ${"x".repeat(10_000)}`,
  "program │ no line feed",
]
const isPrinted = (line: string) => line.startsWith("program ")

describe("run --sync shows what a program prints", () => {
  test("from the first line to a last one without a line feed, without control characters", async () => {
    // Several times, as the program may print before the command is connected.
    for (let round = 0; round < 5; round += 1) {
      const { code, stderr, stdout } = await runSync(prints)
      const lines = stderr.trimEnd().split("\n")
      expect(lines.filter((line) => line.startsWith("program │"))).toEqual(shown)
      expect(lines).toContain("program ! to stderr")
      expect(lines[0]).toMatch(/prints\.ts started$/)
      expect(lines.at(-1)).toBe("✓ complete")
      expect(stdout.split("\n").some(isPrinted)).toBe(false)
      expect(code).toBe(0)
    }
  })

  test("with --json on standard error, and one value on standard output", async () => {
    const { stderr, stdout } = await runSync(prints, "--json")
    expect(JSON.parse(stdout)).toMatchObject({
      run: { status: "complete" },
      result: { programResult: "result" },
    })
    expect(stderr.trimEnd().split("\n").every(isPrinted)).toBe(true)
    expect(stderr).toContain("program │ first\n")
  })

  test("while the program is running", async () => {
    const program = world.write(
      "waits.ts",
      `console.log("ready")\nwhile (!(await Bun.file("go").exists())) await Bun.sleep(5)\nconsole.log("gone")`,
    )
    const child = world.start(["run", program, "--driver", "offline", "--sync"])
    let text = ""
    for await (const chunk of child.stderr) {
      text += new TextDecoder().decode(chunk)
      if (text.includes("program │ ready") && !existsSync(join(world.dir, "go"))) world.write("go", "")
    }
    expect(text).toContain("program │ gone\n")
    expect(await new Response(child.stdout).text()).toContain("complete")
    expect(await child.exited).toBe(0)
  })

  test("when the program fails", async () => {
    const program = world.write(
      "fails.ts",
      `console.log("so far")\nprocess.stdout.write("dying")\nprocess.exit(3)`,
    )
    const { code, stderr } = await runSync(program)
    expect(stderr).toContain("program │ so far\nprogram │ dying\n")
    expect(code).toBe(1)
  })

  test("above the live view of a terminal", async () => {
    const terminal = startInTerminal(world, ["run", prints, "--driver", "offline", "--sync", "--no-confirm"])
    const { code, output } = await terminal.result
    for (const line of ["first", "plain text", "done", "no line feed"])
      expect(output).toContain(`${line}\r\n`)
    expect(output).not.toContain("title")
    expect(output).not.toContain("\u001b[2J")
    expect(code).toBe(0)
  })

  test("the first and the newest lines of a flood, with the number of those dropped, and the run does not wait", async () => {
    const program = world.write(
      "floods.ts",
      `import { writeSync } from "node:fs"
const chunk = ("x".repeat(99) + "\\n").repeat(1000)
console.log("first")
for (let i = 0; i < 300; i += 1) writeSync(1, chunk)
console.log("last")`,
    )
    const { code, stderr } = await runSync(program)
    const lines = stderr.trimEnd().split("\n")
    const dropped = lines.flatMap((line) => {
      const [, count] = /^… ([\d,]+) lines? dropped$/.exec(line) ?? []
      return count === undefined ? [] : [Number(count.replaceAll(",", ""))]
    })
    const printed = lines.filter(isPrinted)
    expect([printed[0], printed.at(-1)]).toEqual(["program │ first", "program │ last"])
    expect(dropped.length).toBeGreaterThan(0)
    expect(printed.length + dropped.reduce((sum, count) => sum + count, 0)).toBe(300_002)
    expect(code).toBe(0)
  })

  test("a note in place of a line of more than 1 MiB", async () => {
    const program = world.write(
      "long.ts",
      `console.log("first"); console.log("x".repeat(1_200_000)); console.log("last")`,
    )
    const { stderr } = await runSync(program, "--json")
    expect(stderr).toBe("program │ first\n… 1 line dropped\nprogram │ last\n")
  })
})

test("a run whose command is gone ends, although nothing reads what its program prints", async () => {
  const program = world.write("alone.ts", `console.log("unread")\nexport default 1`)
  const child = world.start(["run", program, "--driver", "offline", "--sync", "--json"])
  const runId = await waitFor("the run", async () => {
    const { stdout } = await world.mill(["ls", "--json", "--limit", "1"])
    const [run] = JSON.parse(stdout)
    return run?.programPath === program && String(run.id)
  })
  child.kill("SIGKILL")
  expect((await world.mill(["wait", runId, "--timeout", "60"])).code).toBe(0)
})

for (const flags of [[], ["--json"]]) {
  test(`run --sync ${flags.join(" ")} waits and prints the result when nothing reads standard error`, () => {
    const args = [...millCommand, "run", prints, "--driver", "offline", "--sync", ...flags]
    const { stdout } = Bun.spawnSync(
      ["sh", "-c", `{ { "$@" 2>&1 1>&3; echo "code $?" >&3; } | :; } 3>&1`, "sh", ...args],
      { cwd: world.dir, env: { ...process.env, MILL_HOME: join(world.dir, "home"), NO_COLOR: "1" } },
    )
    const printed = stdout.toString()
    expect(printed).toContain(flags.length === 0 ? "Result\n  result\n" : `"programResult":"result"`)
    expect(printed).toEndWith("code 0\n")
  })
}
