/** What `npm test` prints, on a small project with this project's preload script. */
import { afterAll, expect, test } from "bun:test"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { millCommand, repository } from "../support/mill.ts"

const project = mkdtempSync(join(tmpdir(), "mill-test-runner-"))
afterAll(() => rmSync(project, { recursive: true, force: true }))
const quote = (...path: ReadonlyArray<string>) => JSON.stringify(join(repository, ...path))
writeFileSync(join(project, "bunfig.toml"), `[test]\npreload = [${quote("test/support/preload.ts")}]\n`)

/** Writes a test file that skips tests which need zsh. */
const writeTests = (name: string, source: string) =>
  writeFileSync(
    join(project, `${name}.test.ts`),
    `import { expect, test } from "bun:test"
import { isMissing } from ${quote("test/support/requirements.ts")}
test.skipIf(isMissing("zsh", false))("needs zsh", () => {})
test("passes", () => {})
${source}`,
  )
writeTests("first", `test("fails", () => expect("the answer").toBe("another answer"))`)
writeTests("second", `test.skipIf(isMissing("fish", false))("needs fish", () => {})`)
writeTests("third", "")

const runTests = async (script: ReadonlyArray<string>, ...args: ReadonlyArray<string>) => {
  const { MILL_TEST_REPORT: _report, ...env } = process.env
  const child = Bun.spawn([process.execPath, ...script, ...args], {
    cwd: project,
    env: { ...env, NO_COLOR: "1", MILL_TEST_COMMAND: millCommand.join(" ") },
    stdout: "ignore",
    stderr: "pipe",
  })
  const [output, code] = await Promise.all([new Response(child.stderr).text(), child.exited])
  return { output, lines: output.trimEnd().split("\n"), code }
}
const launcher = [join(repository, "scripts/test.ts")]
const closing = "SKIPPED: tests that need fish (apt-get install fish), zsh (apt-get install zsh)"

test("npm test prints the failures, the totals, and one line about skipped tests", async () => {
  const { code, lines, output } = await runTests(launcher)
  expect(output).not.toContain("(pass)")
  expect(output).toContain("(fail) fails")
  expect(output).toContain('Received: "the answer"')
  const end = lines.slice(lines.findIndex((line) => line.includes("3 pass")))
  expect(end.map((line) => line.trim()).filter((line) => line !== "")).toEqual([
    "3 pass",
    "4 skip",
    "1 fail",
    "1 expect() calls",
    expect.stringContaining("Ran 8 tests across 3 files."),
    closing,
  ])
  expect(code).toBe(1)
}, 120_000)

test("npm test runs the files that its arguments name, and passes options on", async () => {
  const { code, output } = await runTests(launcher, "second", "-t", "passes")
  expect(output).toContain("Ran 1 test across 1 file.")
  expect(code).toBe(0)
}, 120_000)

test("bun test prints every test, and one line about skipped tests", async () => {
  const { code, lines, output } = await runTests(["test"])
  expect(output).toContain("(pass) passes")
  expect(lines.filter((line) => line.startsWith("SKIPPED: "))).toEqual([closing])
  expect(code).toBe(1)
}, 120_000)
