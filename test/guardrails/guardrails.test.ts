/** Each test breaks a copy of the ast-grep rules and expects scripts/check-guardrails.ts to report it. */
import { afterAll, expect, setDefaultTimeout, test } from "bun:test"
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

setDefaultTimeout(120_000)

const project = join(import.meta.dirname, "../..")
const copies: Array<string> = []
afterAll(() => copies.forEach((copy) => rmSync(copy, { recursive: true, force: true })))

const check = (root: string) => {
  const script = join(project, "scripts/check-guardrails.ts")
  const { stdout, stderr, exitCode } = Bun.spawnSync([process.execPath, script, root])
  return { stdout: stdout.toString(), problems: stderr.toString().split("\n").slice(0, -1), exitCode }
}

const copyGuardrails = () => {
  const copy = mkdtempSync(join(tmpdir(), "mill-guardrails-test-"))
  copies.push(copy)
  for (const name of [".ast-grep", "package.json", "src"])
    cpSync(join(project, name), join(copy, name), { recursive: true })
  return copy
}

const edit = (root: string, file: string, change: (text: string) => string) => {
  const before = readFileSync(join(root, file), "utf8")
  const after = change(before)
  expect(after).not.toBe(before)
  writeFileSync(join(root, file), after)
}

test("the project's rules pass", () => {
  const { stdout, problems, exitCode } = check(project)
  expect(problems).toEqual([])
  expect(stdout).toMatch(/^\d+ rules are tested and run\n$/)
  expect(exitCode).toBe(0)
})

test("a rule without a message, a note or files is reported", () => {
  const copy = copyGuardrails()
  writeFileSync(join(copy, ".ast-grep/rules/no-throw.yml"), "id: no-throws\nlanguage: TypeScript\n")
  const { problems, exitCode } = check(copy)
  expect(problems).toContain("rules/no-throw.yml: the id is no-throws, not the file's name")
  expect(problems).toContain("no-throws: the severity is not error")
  expect(problems).toContain("no-throws: needs a one-line message")
  expect(problems).toContain("no-throws: needs a note that names the alternative")
  expect(problems).toContain("no-throws: needs files")
  expect(exitCode).toBe(1)
})

test("a missing test, a test without cases and a test of no rule are reported", () => {
  const copy = copyGuardrails()
  rmSync(join(copy, ".ast-grep/tests/no-throw.test.yml"))
  writeFileSync(join(copy, ".ast-grep/tests/no-any.test.yml"), "id: no-any\nvalid: []\ninvalid: []\n")
  writeFileSync(join(copy, ".ast-grep/tests/no-throws.test.yml"), "id: no-throws\nvalid: [a]\ninvalid: [b]\n")
  expect(check(copy)).toMatchObject({
    problems: [
      "tests/no-any.test.yml: needs valid and invalid cases",
      "no-throw: has no test",
      "tests/no-throws.test.yml: no rule has this name",
    ],
    exitCode: 1,
  })
})

test("a scan of a missing folder, a filter that names no rule and a rule outside all filters are reported", () => {
  const copy = copyGuardrails()
  edit(copy, "package.json", (text) =>
    text.replace(" src/domain ", " src/domains ").replace("|any|", "|anything|"),
  )
  expect(check(copy)).toMatchObject({
    problems: [
      "lint:effect: src/domains does not exist",
      "lint:effect: no-anything is not a rule",
      "no-any: no filtered scan in package.json runs it",
    ],
    exitCode: 1,
  })
})

test("an exemption that no code needs is reported", () => {
  const copy = copyGuardrails()
  edit(copy, ".ast-grep/rules/no-throw.yml", (text) =>
    text.replace("ignores:\n", "ignores:\n  - src/absent/**\n  - src/domain/**\n"),
  )
  expect(check(copy)).toMatchObject({
    problems: [
      "no-throw: nothing in src/absent/** needs the exemption",
      "no-throw: nothing in src/domain/** needs the exemption",
    ],
    exitCode: 1,
  })
})

test("a comment that disables a rule is reported", () => {
  const copy = copyGuardrails()
  mkdirSync(join(copy, "src/domain"), { recursive: true })
  writeFileSync(join(copy, "src/domain/x.schema.ts"), "// ast-grep-ignore: no-any\nexport let run: any\n")
  expect(check(copy)).toMatchObject({
    problems: ["src/domain/x.schema.ts: a comment disables a rule; add an exemption to the rule instead"],
    exitCode: 1,
  })
})
