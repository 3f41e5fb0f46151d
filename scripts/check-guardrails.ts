/**
 * Shows that every guardrail holds where it stands. A rule that is right but looks in the wrong place, a scan of a
 * folder that is not there, or a test without cases all pass in silence; here they fail.
 *
 * It promises: each rule has a message, a note and a test that accepts and refuses; all tests run and pass; each
 * `ast-grep scan` of package.json, run on a temporary tree of `.ast-grep/places.yml`, fires on exactly the lines that
 * say so; each entry of a rule's `files` and `ignores`, and each floor it covers, is shown by such a line; every rule
 * is in one of the filtered scans; and no comment in src switches a rule off. It does not look at what src violates.
 *
 * Usage: bun scripts/check-guardrails.ts [root]
 */
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { basename, delimiter, dirname, join, resolve } from "node:path"

type Rule = {
  id: string
  severity?: string
  message?: string
  note?: string
  files?: string[]
  ignores?: string[]
}
type Case = { id?: string; valid?: string[]; invalid?: string[] }
type Hit = { file: string; ruleId: string; range: { start: { line: number } } }
type Place = { file: string; at: string; fires: string[]; spared: string[] }

const root = resolve(process.argv[2] ?? join(import.meta.dirname, ".."))
const path = [join(import.meta.dirname, "../node_modules/.bin"), process.env["PATH"]].join(delimiter)
const floors = ["domain", "codecs", "internal", "runtime", "public", "cli", "bin"]
const problems: string[] = []
const expect = (holds: boolean, problem: string) => void (holds || problems.push(problem))

const yaml = <A>(file: string) => Bun.YAML.parse(readFileSync(file, "utf8")) as A
const ymlFiles = (folder: string) =>
  readdirSync(join(root, ".ast-grep", folder)).filter((name) => name.endsWith(".yml"))

const run = (command: string, cwd: string) => {
  const { stdout, stderr, exitCode } = Bun.spawnSync(["sh", "-c", command], {
    cwd,
    env: { ...process.env, PATH: path },
  })
  return { stdout: stdout.toString(), stderr: stderr.toString(), exitCode }
}

/** Whether a file is under one of a rule's globs, in which `*` crosses folders, as ast-grep has it. */
const covers = (globs: ReadonlyArray<string>, file: string) =>
  globs.some((glob) => {
    const parts = glob
      .split(/(\*\*\/|\*+)/)
      .map((part) => (part.startsWith("*") ? ".*" : RegExp.escape(part)))
    return new RegExp(`^${parts.join("")}$`).test(file)
  })

/** The rules, each in a file of its own name. */
const readRules = () =>
  ymlFiles("rules").map((name) => {
    const rule = yaml<Rule>(join(root, ".ast-grep/rules", name))
    expect(rule.id === basename(name, ".yml"), `rules/${name}: its id is ${rule.id}`)
    expect(rule.severity === "error", `${rule.id}: its severity is not error`)
    expect(!!rule.message && !rule.message.includes("\n"), `${rule.id}: it needs a message of one line`)
    expect(!!rule.note, `${rule.id}: it needs a note that says what to do instead`)
    expect(!!rule.files?.length, `${rule.id}: it needs files`)
    return rule
  })

/** The tests: every rule has one, with cases both ways, and all of them run. */
const checkTests = (rules: ReadonlyArray<Rule>, command: string | undefined) => {
  const ids = new Set(rules.map((rule) => rule.id))
  for (const name of ymlFiles("tests")) {
    const { id, valid, invalid } = yaml<Case>(join(root, ".ast-grep/tests", name)) ?? {}
    expect(`${id}.test.yml` === name && ids.delete(String(id)), `tests/${name}: there is no rule ${id}`)
    expect(!!valid?.length && !!invalid?.length, `tests/${name}: it must have valid and invalid cases`)
  }
  for (const id of ids) problems.push(`${id}: it has no test`)
  if (command === undefined) return problems.push("package.json has no script lint:ast-grep:test")
  const { stdout, stderr, exitCode } = run(command, root)
  const passed = Number(/(\d+) passed/.exec(stdout + stderr)?.[1] ?? 0)
  expect(exitCode === 0, `the rules' tests fail:\n${stdout}${stderr}`)
  expect(
    passed > 0 && passed === rules.length,
    `the tests of ${passed} rules ran, and there are ${rules.length}`,
  )
}

/** What places.yml says about each of its lines. */
const readPlaces = (places: Record<string, string>): Array<Place> =>
  Object.entries(places).flatMap(([file, text]) =>
    text.split("\n").map((line, index) => {
      const marked = (word: string) => new RegExp(`${word}: ([\\w, -]+)`).exec(line)?.[1]?.split(", ") ?? []
      return { file, at: `${file}:${index + 1}`, fires: marked("fires"), spared: marked("spared") }
    }),
  )

/** The rules of a scan that fired, as `file:line rule`; a scan of a folder that is not there is a problem. */
const scan = (command: string, cwd: string) => {
  const { stdout, stderr } = run(`${command} --json=stream`, cwd)
  for (const line of stderr.split("\n")) expect(!/^ERROR|cannot|Cannot/.test(line), `${command}: ${line}`)
  const hits = stdout.split("\n").filter((line) => line !== "")
  return new Set(
    hits
      .map((line) => JSON.parse(line) as Hit)
      .map((hit) => `${hit.file}:${hit.range.start.line + 1} ${hit.ruleId}`),
  )
}

/** Each scan of package.json fires on the lines that it should, and on no other. */
const checkScans = (
  scripts: Record<string, string>,
  rules: ReadonlyArray<Rule>,
  places: Array<Place>,
  tree: string,
) => {
  const filtered = new Set<string>()
  for (const [name, command] of Object.entries(scripts)) {
    if (!command.startsWith("ast-grep scan")) continue
    const filter = /--filter '([^']+)'/.exec(command)?.[1]
    const folders = command.split(" ").filter((word) => /^src(\/|$)/.test(word))
    for (const folder of folders) expect(existsSync(join(root, folder)), `${name}: there is no ${folder}`)
    const selected = rules.filter((rule) => new RegExp(filter ?? "").test(rule.id)).map((rule) => rule.id)
    for (const word of filter?.match(/(?<=[(|])[\w-]+/g) ?? []) {
      expect(selected.includes(`no-${word}`), `${name}: its filter names no-${word}, which is no rule`)
    }
    if (filter !== undefined) for (const id of selected) filtered.add(id)
    const expected = new Set(
      places
        .filter((place) => folders.some((folder) => place.file.startsWith(`${folder}/`)))
        .flatMap((place) =>
          place.fires.filter((id) => selected.includes(id)).map((id) => `${place.at} ${id}`),
        ),
    )
    const fired = scan(command, tree)
    for (const hit of expected.difference(fired)) problems.push(`${name}: does not fire: ${hit}`)
    for (const hit of fired.difference(expected)) problems.push(`${name}: fires unexpectedly: ${hit}`)
  }
  for (const { id } of rules) expect(filtered.has(id), `${id}: no filtered scan of package.json runs it`)
}

/** Each place a rule names is shown, and what is spared there is what the rule refuses elsewhere. */
const checkPlaces = (rules: ReadonlyArray<Rule>, places: Array<Place>, tree: string) => {
  for (const { id, files = [], ignores = [] } of rules) {
    const fires = places.filter((place) => place.fires.includes(id)).map((place) => place.file)
    const spared = places.filter((place) => place.spared.includes(id)).map((place) => place.file)
    for (const glob of files)
      expect(
        fires.some((file) => covers([glob], file)),
        `${id}: never fires in ${glob}`,
      )
    for (const glob of ignores)
      expect(
        spared.some((file) => covers([glob], file)),
        `${id}: spares nothing in ${glob}`,
      )
    for (const floor of floors.filter((floor) => covers(files, `src/${floor}/x.ts`))) {
      expect(
        [...fires, ...spared].some((file) => file.startsWith(`src/${floor}/`)),
        `${id}: not shown in src/${floor}`,
      )
    }
  }
  for (const { id } of rules) {
    const file = join(tree, `.ast-grep/rules/${id}.yml`)
    const { files: _files, ignores: _ignores, ...anywhere } = yaml<Rule>(file)
    writeFileSync(file, JSON.stringify(anywhere))
  }
  const fired = scan("ast-grep scan --config .ast-grep/sgconfig.yml src", tree)
  for (const { at, spared } of places) {
    for (const id of spared)
      expect(fired.has(`${at} ${id}`), `places.yml: ${at} would not fire ${id} anywhere`)
  }
}

/** An allowance is written into its rule, where it can be seen; a comment would also silence whatever comes after. */
const checkSuppressions = () => {
  if (!existsSync(join(root, "src"))) return
  for (const name of readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })) {
    if (!/\.[cm]?[jt]sx?$/.test(name)) continue
    const text = readFileSync(join(root, "src", name), "utf8")
    expect(
      !text.includes("ast-grep-ignore"),
      `src/${name}: a comment switches a rule off; say it in the rule`,
    )
  }
}

const tree = mkdtempSync(join(tmpdir(), "mill-guardrails-"))
try {
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    scripts: Record<string, string>
  }
  const files = yaml<Record<string, string>>(join(root, ".ast-grep/places.yml"))
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(join(tree, dirname(file)), { recursive: true })
    writeFileSync(join(tree, file), text)
  }
  cpSync(join(root, ".ast-grep"), join(tree, ".ast-grep"), { recursive: true })
  const rules = readRules()
  const places = readPlaces(files)
  checkTests(rules, scripts["lint:ast-grep:test"])
  checkScans(scripts, rules, places, tree)
  checkPlaces(rules, places, tree)
  checkSuppressions()
  if (problems.length === 0) console.log(`${rules.length} rules hold in ${Object.keys(files).length} places`)
} finally {
  rmSync(tree, { recursive: true, force: true })
}
for (const problem of problems) console.error(problem)
process.exitCode = problems.length === 0 ? 0 : 1
