/** Bun runs macros while it bundles. mill refuses them, because no code of a program may run at submit. */
import { beforeEach, expect, test } from "bun:test"
import { existsSync, rmSync } from "node:fs"
import { join } from "node:path"
import { listEntries, makeWorld } from "../support/mill.ts"

const world = makeWorld()
const ran = join(world.dir, "ran")
world.write(
  "m.ts",
  `import { writeFileSync } from "node:fs"\nexport const x = () => { writeFileSync(${JSON.stringify(ran)}, ""); return 1 }`,
)
beforeEach(() => rmSync(ran, { force: true }))
const formatImport = (clause: string) => `import { x } from ${clause}\nexport default x()\n`
const plain = `"./m.ts" with { type: "macro" }`
world.write("nested.ts", formatImport(plain))
world.write("nested.js", formatImport(plain))
world.write("prose.txt", formatImport(plain))
world.write("odd.weird", formatImport(plain))
world.write("page.html", `<script type="module" src="./nested.ts"></script>`)
world.write("wide.ts", "")
await Bun.write(
  join(world.dir, "wide.ts"),
  new Uint8Array([0xff, 0xfe, ...Buffer.from(formatImport(plain), "utf16le")]),
)

const refused: Readonly<Record<string, readonly [source: string, location?: string]>> = {
  attribute: [formatImport(plain), "attribute.ts:1:1"],
  assertion: [formatImport(`"./m.ts" assert { type: "macro" }`), "assertion.ts:1:27"],
  specifier: [`\n${formatImport(`"macro:./m.ts"`)}`, "specifier.ts:2:1"],
  "escape-u": [formatImport(String.raw`"./m.ts" with { type: "m\u0061cro" }`), "escape-u.ts:1:1"],
  "escape-none": [formatImport(String.raw`"./m.ts" with { "type": "m\acro" }`), "escape-none.ts:1:1"],
  "escape-line": [formatImport(`"./m.ts" with { type: "mac\\\nro" }`), "escape-line.ts:1:1"],
  "escape-specifier": [formatImport(String.raw`"\x6dacro:./m.ts"`), "escape-specifier.ts:1:1"],
  "top-level-return": [
    `import { x } from ${plain}\nconst one = x()\nreturn one\n`,
    "top-level-return.ts:1:1",
  ],
  "in-what-it-imports": [`export { default } from "./nested.ts"\n`, "nested.ts:1:1"],
  "in-javascript": [`export { default } from "./nested.js"\n`, "nested.js:1:1"],
  "in-what-it-loads": [`export default await import("./nested.ts")\n`, "nested.ts:1:1"],
  "in-a-page": [`import page from "./page.html"\nexport default page\n`, "nested.ts:1:1"],
  "in-a-file-with-a-query": [`export { default } from "./nested.ts?query"\n`],
  "in-utf-16": [`export { default } from "./wide.ts"\n`],
}

test.each(Object.entries(refused))("a macro is refused: %s", async (name, [source, location]) => {
  const file = `${name}.ts`
  world.write(file, source)
  const runsDir = join(world.dir, "stores", name)
  const args = ["run", file, "--json", "--driver=offline", "--dry-run", "--runs-dir", runsDir]
  const { code, stdout } = await world.mill(args)
  expect(existsSync(ran)).toBe(false)
  expect(JSON.parse(stdout).error).toMatchObject({
    _tag: "ProgramError",
    path: join(world.dir, file),
    ...(location === undefined ? {} : { location: join(world.dir, location) }),
  })
  expect(code).toBe(2)
  expect(listEntries(runsDir)).toEqual([])
})

// An import's type attribute applies to the run; at submit, mill reads the file by its extension.
test.each(["prose.txt", "odd.weird"])("no macro of %s runs if it is imported as code", async (file) => {
  const program = world.write(
    `declares-${file}.ts`,
    `import one from "./${file}" with { type: "ts" }\nexport default one\n`,
  )
  await world.mill(["run", program, "--json", "--driver=offline", "--dry-run"])
  expect(existsSync(ran)).toBe(false)
})

test("a program may mention macros and import texts and data that do", async () => {
  world.write("speaks.json", `{ "type": "macro", "escape": "\\u0041" }`)
  const program = world.write(
    "speaks.ts",
    String.raw`import text from "./prose.txt"
import odd from "./odd.weird" with { type: "text" }
import { escape } from "./speaks.json"
// import { x } from "./m.ts" with { type: "macro" }
const type = "macro:" + "\u0041\x42"
export default [type, escape, text === odd]`,
  )
  const { result } = await world.run(program, ["--driver", "offline"])
  expect(result.programResult).toEqual(["macro:AB", "A", true])
  expect(existsSync(ran)).toBe(false)
})
