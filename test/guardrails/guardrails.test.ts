/**
 * The guardrails hold, and a guardrail that has stopped holding is noticed: each test breaks a copy of them in a way
 * that ast-grep itself lets pass, and expects scripts/check-guardrails.ts to say what is wrong.
 */
import { afterAll, expect, test } from "bun:test"
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const project = join(import.meta.dirname, "../..")
const copies: Array<string> = []
afterAll(() => copies.forEach((copy) => rmSync(copy, { recursive: true, force: true })))

const check = (root: string) => {
  const script = join(project, "scripts/check-guardrails.ts")
  const { stdout, stderr, exitCode } = Bun.spawnSync([process.execPath, script, root])
  return { stdout: stdout.toString(), stderr: stderr.toString(), exitCode }
}

/** The guardrails without the sources that they guard. */
const copyOfGuardrails = () => {
  const copy = mkdtempSync(join(tmpdir(), "mill-guardrails-test-"))
  copies.push(copy)
  cpSync(join(project, ".ast-grep"), join(copy, ".ast-grep"), { recursive: true })
  cpSync(join(project, "package.json"), join(copy, "package.json"))
  for (const folder of ["domain", "codecs", "internal", "runtime"]) {
    mkdirSync(join(copy, "src", folder), { recursive: true })
  }
  return copy
}

const edit = (root: string, file: string, change: (text: string) => string) => {
  const before = readFileSync(join(root, file), "utf8")
  const after = change(before)
  expect(after).not.toBe(before)
  writeFileSync(join(root, file), after)
}

test("every rule fires on the lines that it should, where they stand, and on no other", () => {
  const { stdout, stderr, exitCode } = check(project)
  expect(stderr).toBe("")
  expect(stdout).toMatch(/^\d+ rules hold in \d+ places\n$/)
  expect(exitCode).toBe(0)
})

test("a rule whose files match nothing is noticed", () => {
  const copy = copyOfGuardrails()
  edit(copy, ".ast-grep/rules/no-throw.yml", (text) => text.replace("files: [src/**]", "files: [sources/**]"))
  const { stderr, exitCode } = check(copy)
  expect(stderr).toContain("no-throw: never fires in sources/**")
  expect(stderr).toContain("lint:effect: does not fire: src/internal/store/bad.effect.ts")
  expect(exitCode).toBe(1)
})

test("a rule that spares too much, and one that spares too little, is noticed", () => {
  const copy = copyOfGuardrails()
  edit(copy, ".ast-grep/rules/no-throw.yml", (text) => text.replace("program-host*.ts", "*.ts"))
  edit(copy, ".ast-grep/rules/no-try-catch.yml", (text) => text.replace("program-host*.ts", "absent.ts"))
  const { stderr, exitCode } = check(copy)
  expect(stderr).toMatch(/lint:effect: does not fire: src\/runtime\/bad.effect.ts:\d+ no-throw/)
  expect(stderr).toMatch(/lint:effect: fires unexpectedly: src\/runtime\/program-host.ts:\d+ no-try-catch/)
  expect(stderr).toContain("no-try-catch: spares nothing in src/runtime/absent.ts")
  expect(exitCode).toBe(1)
})

test("tests that are not there are noticed", () => {
  const copy = copyOfGuardrails()
  for (const name of readdirSync(join(copy, ".ast-grep/tests"))) rmSync(join(copy, ".ast-grep/tests", name))
  const { stderr, exitCode } = check(copy)
  expect(stderr).toContain("no-any: it has no test")
  expect(stderr).toContain("the tests of 0 rules ran")
  expect(exitCode).toBe(1)
})

test("a test without cases, one of an unknown rule, and one that fails are noticed", () => {
  const copy = copyOfGuardrails()
  writeFileSync(join(copy, ".ast-grep/tests/no-any.test.yml"), "id: no-any\nvalid: []\ninvalid: []\n")
  edit(copy, ".ast-grep/tests/no-throw.test.yml", (text) => text.replace("id: no-throw", "id: no-throws"))
  edit(copy, ".ast-grep/tests/no-async.test.yml", (text) =>
    text.replace("valid:\n", "valid:\n  - await f()\n"),
  )
  const { stderr, exitCode } = check(copy)
  expect(stderr).toContain("tests/no-any.test.yml: it must have valid and invalid cases")
  expect(stderr).toContain("tests/no-throw.test.yml: there is no rule no-throws")
  expect(stderr).toContain("no-throw: it has no test")
  expect(stderr).toMatch(/the rules' tests fail:[^]*no-async/)
  expect(exitCode).toBe(1)
})

test("a scan of a folder that is not there, or for a rule that is not there, is noticed", () => {
  const copy = copyOfGuardrails()
  edit(copy, "package.json", (text) =>
    text.replace(" src/domain ", " src/domains ").replace("|any|", "|anything|"),
  )
  const { stderr, exitCode } = check(copy)
  expect(stderr).toContain("lint:effect: there is no src/domains")
  expect(stderr).toContain("lint:effect: its filter names no-anything, which is no rule")
  expect(stderr).toContain("no-any: no filtered scan of package.json runs it")
  expect(exitCode).toBe(1)
})

test("a comment that switches a rule off is noticed", () => {
  const copy = copyOfGuardrails()
  writeFileSync(join(copy, "src/domain/run.schema.ts"), "// ast-grep-ignore: no-any\nexport let run: any\n")
  const { stderr, exitCode } = check(copy)
  expect(stderr).toBe("src/domain/run.schema.ts: a comment switches a rule off; say it in the rule\n")
  expect(exitCode).toBe(1)
})
