/** What the pages name exists: commands, flags, scripts, links, paths. */
import { describe, expect, test } from "bun:test"
import { existsSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { scripts as builtScripts } from "../../scripts/entries.ts"
import { makeWorld, repository } from "../support/mill.ts"
import {
  docs,
  findPage,
  guides,
  pages,
  readAnchors,
  readCommandLines,
  readme,
  readNames,
  readSpans,
  readTable,
  unquote,
} from "./pages.ts"

const world = makeWorld()
const timeout = 120_000

const readHelp = async (...command: ReadonlyArray<string>) =>
  (await world.mill([...command, "--help"])).stdout

/** The help of each command by its name. */
const readHelps = async (): Promise<ReadonlyMap<string, string>> => {
  const list = /^SUBCOMMANDS\n(?: {2}\S.*\n?)+/m.exec(await readHelp())?.[0] ?? ""
  const names = [...list.matchAll(/^ {2}(\w+)/gm)].map(([, name = ""]) => name)
  return new Map(await Promise.all(names.map(async (name) => [name, await readHelp(name)] as const)))
}

describe("commands", () => {
  test(
    "of mill exist, with their flags",
    async () => {
      const helps = await readHelps()
      const rootHelp = await readHelp()
      for (const page of pages) {
        const lines = readCommandLines(page).flatMap(
          (line) => /^(?:time )?(mill (?!_).*)$/.exec(line)?.[1] ?? [],
        )
        for (const line of lines) {
          const [, word = "", ...rest] = line.split(" -- ")[0]?.split(" ") ?? []
          const help = word.startsWith("-") ? rootHelp : helps.get(word)
          expect(help, `${page.path}: ${line}`).toBeDefined()
          for (const part of [word, ...rest].filter((argument) => /^--\w/.test(argument))) {
            expect(help, `${page.path}: ${line}`).toContain(part.replace(/=.*/, ""))
          }
        }
      }
      const table = readTable("readme", "Command").map(([cell]) => unquote(cell).split(" ")[1] ?? "")
      expect(table.toSorted()).toEqual([...helps.keys()].toSorted())
      for (const [cell, description = ""] of readTable("readme", "Command")) {
        const help = helps.get(unquote(cell).split(" ")[1] ?? "")
        for (const [flag] of description.matchAll(/--[a-z-]+/g)) expect(help, flag).toContain(flag)
      }
      for (const flag of ["--json", "--runs-dir"]) expect(rootHelp).toContain(flag)
    },
    timeout,
  )

  test(
    "have tables of all their flags",
    async () => {
      for (const command of ["run", "watch"]) {
        const section = /^FLAGS\n(?: {2}\S.*\n?)+/m.exec(await readHelp(command))?.[0] ?? ""
        const flags = [...section.matchAll(/^ {2}(--[\w-]+)/gm)].map(([, flag = ""]) => flag)
        const named = readNames("commands", `Flag of \`mill ${command}\``)
          .map((name) => name.replace(/[ =].*/, "").replace("--no-", "--"))
          .filter((name) => name.startsWith("--"))
        // Both channels have a row, and so has `--run`, in the text before the table.
        const known = new Set(command === "watch" ? [...named, "--run"] : named)
        expect(known).toEqual(new Set(flags))
      }
    },
    timeout,
  )

  test("of npm and bun are scripts of package.json, or their own", () => {
    const { bin, scripts } = JSON.parse(readFileSync(join(repository, "package.json"), "utf8"))
    const own = ["add", "install", "link", "pack"]
    let found = 0
    for (const page of pages) {
      const files = page.blocks.flatMap(({ file }) => file ?? [])
      for (const line of readCommandLines(page)) {
        const name = /^(?:\w+=\S+ )?(?:npm|bun) (?:run )?(\S+)/.exec(line)?.[1]
        if (name === undefined) continue
        found += 1
        const known = [...Object.keys(scripts), ...own, ...files].includes(name)
        expect(known || existsSync(join(repository, name)), `${page.path}: ${line}`).toBe(true)
      }
    }
    expect(found).toBeGreaterThan(10)
    const alias = readCommandLines(readme).find((line) => line.startsWith("alias mill="))
    expect(Object.keys(builtScripts)).toContain(bin.mill)
    expect(alias).toContain(builtScripts["dist/mill.js"])
  })
})

describe("links", () => {
  test("lead to files and headings that exist", () => {
    for (const page of pages) {
      const targets = [...page.prose.matchAll(/\]\(([^)]+)\)/g)].map(([, target = ""]) => target)
      for (const target of targets) {
        if (/^https?:/.test(target)) continue
        const [path = "", anchor] = target.split("#")
        const file = path === "" ? page.path : join(dirname(page.path), path)
        expect(existsSync(join(repository, file)), `${page.path}: ${target}`).toBe(true)
        if (anchor === undefined) continue
        const linked = pages.find((candidate) => candidate.path === file)
        expect(linked && readAnchors(linked), `${page.path}: ${target}`).toContain(anchor)
      }
    }
  })

  test("of the README's index name every page once", () => {
    const index = readme.text.slice(readme.text.indexOf("## Documentation"))
    const named = [...index.matchAll(/^- \[.*?\]\((.*?)\)/gm)].map(([, target = ""]) => target)
    expect(named.toSorted()).toEqual(docs.map(({ path }) => path))
  })
})

describe("pages", () => {
  test("open with something to run", () => {
    for (const { path, text } of docs) expect(text, path).toMatch(/^# .+\n\n```(?:sh|ts)\n/)
  })

  test("have a README that fits on a few screens", () => {
    expect(readme.text.split("\n").length).toBeLessThanOrEqual(181)
  })

  test("for developers name paths that exist", () => {
    const roots = ["src", "test", "scripts", "docs", "examples", ".ast-grep", ".ci", "dist"]
    for (const name of ["architecture", "contributing"]) {
      const page = findPage(name)
      // A table may name files relative to the folder in its first column.
      const rows = [...page.text.matchAll(/^\| `(src\/[^`]*)` \|(.*)$/gm)]
      const inRows = rows.flatMap(([, folder = "", cells = ""]) =>
        [...cells.matchAll(/`([\w./-]+\.(?:ts|yml|txt))`/g)].map(([, file = ""]) =>
          file.startsWith("src/") ? file : join(folder, file),
        ),
      )
      const inText = readSpans(page).filter(
        (span) => /^[\w./-]+$/.test(span) && roots.includes(span.split("/")[0] ?? "") && span.includes("/"),
      )
      const paths = [...inRows, ...inText].filter((path) => !path.startsWith("dist/"))
      expect(paths.length).toBeGreaterThan(3)
      for (const path of paths) {
        expect(existsSync(join(repository, path)), `${page.path}: ${path}`).toBe(true)
      }
    }
  })

  test("are guides with blocks, so that the other tests have something to run", () => {
    for (const { blocks, path } of guides) expect(blocks.length, path).toBeGreaterThan(0)
  })
})
