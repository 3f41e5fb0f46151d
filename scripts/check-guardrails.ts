/**
 * Checks the ast-grep rules themselves, because a rule that never runs passes in silence: each rule has a message, a
 * note and a test with valid and invalid cases; one of the filtered scans in package.json runs it; every path that it
 * exempts needs the exemption; and no comment in src disables a rule.
 *
 * Usage: bun scripts/check-guardrails.ts [root]
 */
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { basename, join, resolve } from "node:path"

type Rule = {
  id: string
  severity?: string
  message?: string
  note?: string
  files?: string[]
  ignores?: string[]
}
type Cases = { valid?: string[]; invalid?: string[] }
type Hit = { file: string; ruleId: string }

const root = resolve(process.argv[2] ?? join(import.meta.dirname, ".."))
const problems: string[] = []
const expect = (holds: boolean, problem: string) => void (holds || problems.push(problem))
const readYaml = <A>(file: string) => Bun.YAML.parse(readFileSync(join(root, file), "utf8")) as A
const listYaml = (folder: string) =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith(".yml"))
    .sort()

const readRules = () =>
  listYaml(".ast-grep/rules").map((name) => {
    const rule = readYaml<Rule>(`.ast-grep/rules/${name}`)
    expect(rule.id === basename(name, ".yml"), `rules/${name}: the id is ${rule.id}, not the file's name`)
    expect(rule.severity === "error", `${rule.id}: the severity is not error`)
    expect(!!rule.message && !rule.message.includes("\n"), `${rule.id}: needs a one-line message`)
    expect(!!rule.note, `${rule.id}: needs a note that names the alternative`)
    expect(!!rule.files?.length, `${rule.id}: needs files`)
    return rule
  })

const checkTests = (rules: ReadonlyArray<Rule>) => {
  const tests = new Set(listYaml(".ast-grep/tests"))
  for (const { id } of rules) {
    const name = `${id}.test.yml`
    if (!tests.delete(name)) {
      problems.push(`${id}: has no test`)
      continue
    }
    const { valid, invalid } = readYaml<Cases | null>(`.ast-grep/tests/${name}`) ?? {}
    expect(!!valid?.length && !!invalid?.length, `tests/${name}: needs valid and invalid cases`)
  }
  for (const name of tests) problems.push(`tests/${name}: no rule has this name`)
}

/** The filtered scans of package.json name folders and rules that exist, and together run every rule. */
const checkScans = (rules: ReadonlyArray<Rule>) => {
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    scripts: Record<string, string>
  }
  const unused = new Set(rules.map(({ id }) => id))
  for (const [name, command] of Object.entries(scripts)) {
    const filter = /^ast-grep scan .*--filter '\^no-\(([\w|-]+)\)\$'/.exec(command)?.[1]
    if (filter === undefined) continue
    for (const folder of command.match(/(?<= )src\S*/g) ?? [])
      expect(existsSync(join(root, folder)), `${name}: ${folder} does not exist`)
    for (const word of filter.split("|")) {
      expect(
        rules.some(({ id }) => id === `no-${word}`),
        `${name}: no-${word} is not a rule`,
      )
      unused.delete(`no-${word}`)
    }
  }
  for (const id of unused) problems.push(`${id}: no filtered scan in package.json runs it`)
}

/** Runs the rules without their exemptions: each exempt path must contain something that its rule reports. */
const checkExemptions = (rules: ReadonlyArray<Rule>) => {
  const copy = mkdtempSync(join(tmpdir(), "mill-guardrails-"))
  try {
    cpSync(join(root, ".ast-grep"), copy, { recursive: true })
    for (const { ignores: _ignores, ...rule } of rules)
      writeFileSync(join(copy, "rules", `${rule.id}.yml`), JSON.stringify(rule))
    const astGrep = join(import.meta.dirname, "../node_modules/.bin/ast-grep")
    const config = join(copy, "sgconfig.yml")
    const scan = Bun.spawnSync([astGrep, "scan", "--config", config, "--json", "src"], { cwd: root })
    const output = scan.stdout.toString()
    if (output === "") return void problems.push(`ast-grep scan: ${scan.stderr}`)
    const hits = JSON.parse(output) as ReadonlyArray<Hit>
    for (const { id, ignores = [] } of rules) {
      for (const path of ignores) {
        const glob = new Bun.Glob(path)
        const isNeeded = hits.some(({ file, ruleId }) => ruleId === id && glob.match(file))
        expect(isNeeded, `${id}: nothing in ${path} needs the exemption`)
      }
    }
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}

const checkComments = () => {
  for (const name of readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })) {
    if (!/\.[cm]?[jt]sx?$/.test(name)) continue
    const isSilenced = readFileSync(join(root, "src", name), "utf8").includes("ast-grep-ignore")
    expect(!isSilenced, `src/${name}: a comment disables a rule; add an exemption to the rule instead`)
  }
}

const rules = readRules()
checkTests(rules)
checkScans(rules)
checkExemptions(rules)
checkComments()
if (problems.length === 0) console.log(`${rules.length} rules are tested and run`)
for (const problem of problems) console.error(problem)
process.exitCode = problems.length === 0 ? 0 : 1
