/** Programs that are refused at submit: nothing starts, and nothing is left in the store. */
import { describe, expect, test } from "bun:test"
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { listEntries, makeWorld } from "../support/mill.ts"
import { isMissing } from "../support/requirements.ts"

const world = makeWorld()
mkdirSync(join(world.dir, "folder.ts"))
symlinkSync("loop.ts", join(world.dir, "loop.ts"))
Bun.spawnSync(["mkfifo", join(world.dir, "fifo.ts")])
world.write("broken.ts", "export const x =\n  = 3\n")
world.write("data.json", `{ "a": 1,, }`)
world.write("note.md", "# A note")
// UTF-16 with a byte-order mark, as editors on Windows may save it. Bun would run it.
writeFileSync(join(world.dir, "wide.ts"), Buffer.from("\uFEFFexport default 1", "utf16le"))
world.write("secret.ts", "export default 1", 0o000)

type Case = {
  readonly file: string
  readonly source?: string
  /** file:line:column relative to the world. */
  readonly location?: string
  readonly message: RegExp
}
const cases: Readonly<Record<string, Case>> = {
  "a syntax error": {
    file: "syntax.ts",
    source: `const a = 1\nconst b = mill.spawn({\nexport default a\n`,
    location: "syntax.ts:3:8",
    message: /default/,
  },
  "a relative import of a missing file": {
    file: "relative.ts",
    source: `import { x } from "./nowhere.ts"\nexport default x\n`,
    location: "relative.ts:1:19",
    message: /\.\/nowhere\.ts/,
  },
  "an import of a missing package": {
    file: "package.ts",
    source: `// no-such-package is missing\nimport x from 'no-such-package/deep'\nexport default x\n`,
    location: "package.ts:2:15",
    message: /no-such-package\/deep/,
  },
  "a syntax error in an imported file": {
    file: "imports-broken.ts",
    source: `import { x } from "./broken.ts"\nexport default x\n`,
    location: "broken.ts:2:3",
    message: /=/,
  },
  "an import of invalid JSON": {
    file: "imports-json.ts",
    source: `import data from "./data.json"\nexport default data\n`,
    location: "data.json:1:10",
    message: /./,
  },
  "no file": { file: "missing.ts", message: /missing\.ts: no such file or directory/ },
  "a folder": { file: "folder.ts", message: /folder\.ts: it is a directory/ },
  "a named pipe": { file: "fifo.ts", message: /fifo\.ts: not a regular file/ },
  "a link to itself": { file: "loop.ts", message: /loop\.ts: / },
  "a text in UTF-16": {
    file: "wide.ts",
    message: /wide\.ts: the file is encoded as UTF-16; save it as UTF-8$/,
  },
  "a folder with a question mark": {
    file: "what?/main.ts",
    source: "export default 1",
    message: /what\?\/main\.ts: the path contains "\?", which Bun treats as the start of a query string$/,
  },
  "another kind of file": { file: "note.md", message: /note\.md: not a TypeScript/ },
}

describe("mill run refuses", () => {
  test.concurrent.each(Object.entries(cases))("%s", async (_, { file, location, message, source }) => {
    if (source !== undefined) world.write(file, source)
    const runsDir = join(world.dir, "stores", file)
    const { code, stderr, stdout } = await world.mill([
      "run",
      file,
      "--json",
      "--driver=offline",
      "--runs-dir",
      runsDir,
    ])
    const at = location === undefined ? undefined : join(world.dir, location)
    expect(JSON.parse(stdout).error).toMatchObject({
      _tag: "ProgramError",
      path: join(world.dir, file),
      message: expect.stringMatching(message),
      ...(at === undefined ? {} : { location: at }),
    })
    const [first, second = ""] = stderr.split("\n")
    expect(first).toMatch(message)
    expect(first).toStartWith("error: ")
    if (at !== undefined) expect(second.trim()).toBe(`at ${at}`)
    expect(stderr).not.toMatch(/node_modules|src\/runtime|Effect/)
    expect(code).toBe(2)
    expect(listEntries(runsDir)).toEqual([])
  })
})

test("mill run without a program is a usage error", async () => {
  const { code, stderr, stdout } = await world.mill(["run", "", "--json", "--driver=offline"])
  const { error } = JSON.parse(stdout)
  expect([code, error._tag]).toEqual([2, "UsageError"])
  expect(stderr).toMatch(/^error: invalid value for argument <program\.ts>: "".*a file path\n/)
})

// root can read every file.
const isRoot = isMissing("a user who is not root", process.getuid?.() !== 0)

test.skipIf(isRoot)("mill run refuses an unreadable program", async () => {
  const { code, stderr } = await world.mill(["run", "secret.ts"])
  expect(stderr).toMatch(/secret\.ts.*permission denied/)
  expect(code).toBe(2)
  expect(listEntries(world.runsDir)).toEqual([])
})

test("a dynamic import of a missing module fails at run time", async () => {
  const program = world.write(
    "dynamic.ts",
    `const names = ["./nowhere.ts", "no-such-package"]
const failures: string[] = []
for (const load of [() => import("./nowhere.ts"), () => import("no-such-package"), () => import(names[0]!)]) {
  await load().catch((error: Error) => failures.push(error.message))
}
export default failures`,
  )
  const { code, result } = await world.run(program, ["--driver", "offline"])
  expect(result.programResult).toEqual([
    expect.stringContaining("./nowhere.ts"),
    expect.stringContaining("no-such-package"),
    expect.stringContaining("./nowhere.ts"),
  ])
  expect(code).toBe(0)
})
