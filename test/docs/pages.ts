/** The pages of the documentation: their text, code blocks, tables and links. */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { repository } from "../support/mill.ts"

export type Block = { readonly language: string; readonly text: string; readonly file?: string | undefined }

export type Page = {
  /** Names the page, and the folder in which tests lay out its files. */
  readonly name: string
  /** Relative to the repository. */
  readonly path: string
  readonly text: string
  /** The text without its code blocks. */
  readonly prose: string
  readonly blocks: ReadonlyArray<Block>
}

/** A block whose first line is a comment with nothing but a path, or its second after `#!`, is that file. */
const readBlock = (language: string, text: string): Block => ({
  language,
  text,
  file: /^(?:#!.*\n)?(?:\/\/|#) (\S+\.(?:ts|sh))\n/.exec(text)?.[1],
})

export const readPage = (path: string): Page => {
  const text = readFileSync(join(repository, path), "utf8")
  return {
    name: path.replace(/^.*\//, "").replace(/\.md$/, "").toLowerCase(),
    path,
    text,
    prose: text.replace(/^```\w+\n.*?^```$/gms, ""),
    blocks: [...text.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language = "", block = ""]) =>
      readBlock(language, block),
    ),
  }
}

export const readme = readPage("README.md")

/** The pages in docs, in order of their names. */
export const docs: ReadonlyArray<Page> = readdirSync(join(repository, "docs"))
  .filter((name) => name.endsWith(".md"))
  .toSorted()
  .map((name) => readPage(`docs/${name}`))

/** The pages for users, whose blocks run. */
export const guides: ReadonlyArray<Page> = [readme, ...docs]

/** All pages, those for developers included. */
export const pages: ReadonlyArray<Page> = [...guides, readPage("CONTRIBUTING.md"), readPage("CHANGELOG.md")]

export const findPage = (name: string): Page => {
  const page = pages.find((candidate) => candidate.name === name)
  if (page === undefined) throw new Error(`there is no page ${name}`)
  return page
}

/** The texts in backquotes. */
export const readSpans = ({ prose }: Page): ReadonlyArray<string> =>
  [...prose.matchAll(/`([^`\n]+)`/g)].map(([, span = ""]) => span)

/** Whether a block holds commands, rather than a script. */
export const hasCommands = ({ file, language }: Block): boolean => language === "sh" && file === undefined

/** The command lines in the blocks and the text of a page. */
export const readCommandLines = (page: Page): ReadonlyArray<string> => [
  ...page.blocks.flatMap((block) => (hasCommands(block) ? block.text.trimEnd().split("\n") : [])),
  ...readSpans(page).filter((span) => /^(?:mill|npm|bun|MILL_\w+=\S+ npm) /.test(span)),
]

/** The rows of the page's table whose first column is called `head`, each as its cells. */
export const readTable = (name: string, head: string): ReadonlyArray<ReadonlyArray<string>> => {
  const lines = findPage(name).text.split("\n")
  const start = lines.findIndex((line) => line.startsWith(`| ${head} |`))
  if (start === -1) throw new Error(`${name} has no table ${head}`)
  const end = lines.findIndex((line, index) => index > start && !line.startsWith("|"))
  return lines.slice(start + 2, end).map((line) =>
    line
      .slice(1, -1)
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim()),
  )
}

/** A cell without its backquotes. */
export const unquote = (cell = ""): string => /^`([^`]+)`$/.exec(cell)?.[1] ?? cell

/** The names in the first column of a table; a cell may hold several. */
export const readNames = (name: string, head: string): ReadonlyArray<string> =>
  readTable(name, head).flatMap(([cell = ""]) =>
    [...cell.matchAll(/`([^`]+)`/g)].map(([, span = ""]) => span),
  )

/** The anchors of a page's headings, as GitHub makes them. */
export const readAnchors = ({ prose }: Page): ReadonlyArray<string> =>
  [...prose.matchAll(/^#+ (.*)$/gm)].map(([, title = ""]) =>
    title
      .toLowerCase()
      .replaceAll(/[^\w -]/g, "")
      .replaceAll(" ", "-"),
  )
