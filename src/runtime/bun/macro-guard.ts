/**
 * Keeps Bun from running macros. A macro is a function of the program's that Bun calls while it bundles, or merely
 * scans, who imports it: at submit, outside of any sandbox. A build that has the guard as a plugin reads no file that
 * imports one. The guard knows what Bun would see by a parser of its own, and refuses what that cannot read.
 */
/** Why a file is not to be read by Bun. */
export type MacroProblem = {
  readonly path: string
  readonly message: string
  readonly line?: number | undefined
  readonly column?: number | undefined
}

type ParserOptions = {
  readonly sourceType: "module"
  readonly allowReturnOutsideFunction: boolean
  plugins: Array<"typescript" | "jsx" | "decorators-legacy">
}

/** Gives Babel's parser. */
export type LoadParser = () => Promise<{
  readonly parse: (text: string, options: ParserOptions) => { readonly program: { readonly body: unknown } }
}>

/** Whatever spells `macro` without these letters in a row has a backslash before one of them, or an escape. */
const suspect = /macro|\\[macroux\d\r\n\u2028\u2029]/

const codeName = /\.[cm]?[jt]sx?$/

/** The longest file that is read though its name says that it is no code. */
const maxDataBytes = 16 * 1024 * 1024

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null

const importing = new Set([
  "ImportDeclaration",
  "ImportExpression",
  "ExportNamedDeclaration",
  "ExportAllDeclaration",
])

const valueOf = (node: unknown): unknown => (isRecord(node) ? node["value"] : undefined)

const isMacroImport = ({ attributes, source, type }: Readonly<Record<string, unknown>>): boolean => {
  if (!importing.has(String(type))) return false
  const specifier = valueOf(source)
  if (typeof specifier === "string" && specifier.startsWith("macro:")) return true
  return (
    Array.isArray(attributes) && attributes.some((one) => valueOf(isRecord(one) && one["value"]) === "macro")
  )
}

/** The older `assert` of an import, which the parser does not know, if it stands where that takes it for a statement. */
const isAssertion = ({ expression, type }: Readonly<Record<string, unknown>>): boolean =>
  type === "ExpressionStatement" && isRecord(expression) && expression["name"] === "assert"

const findMacro = (node: unknown): Readonly<Record<string, unknown>> | undefined => {
  if (Array.isArray(node)) {
    for (const child of node) {
      const found = findMacro(child)
      if (found !== undefined) return found
    }
    return undefined
  }
  if (!isRecord(node)) return undefined
  if (isMacroImport(node) || isAssertion(node)) return node
  return findMacro(
    Object.entries(node).flatMap(([key, child]) => (key !== "loc" && isRecord(child) ? [child] : [])),
  )
}

const placeIn = (position: unknown) =>
  isRecord(position) && typeof position["line"] === "number" && typeof position["column"] === "number"
    ? { line: position["line"], column: position["column"] + 1 }
    : {}

/** What Bun would read otherwise than the parser is read in no other way: JSX is JavaScript for Bun, and not TypeScript. */
const pluginsOf = (path: string) => {
  const language = /[cm]?ts$/.test(path)
    ? (["typescript"] as const)
    : path.endsWith(".tsx")
      ? (["typescript", "jsx"] as const)
      : (["jsx"] as const)
  return [...language, "decorators-legacy"] as const
}

/** What a text has of macros, or why that cannot be known. */
export const findMacroProblem = async (
  text: string,
  path: string,
  loadParser: LoadParser,
): Promise<MacroProblem | undefined> => {
  if (!suspect.test(text)) return undefined
  const parser = await loadParser()
  try {
    const { program } = parser.parse(text, {
      sourceType: "module",
      allowReturnOutsideFunction: true,
      plugins: [...pluginsOf(path)],
    })
    const found = findMacro(program.body)
    if (found === undefined) return undefined
    const { loc } = found
    const message =
      "it imports a macro, which Bun would run while the program is read; import the function as any other"
    return { path, message, ...placeIn(isRecord(loc) ? loc["start"] : undefined) }
  } catch (error) {
    const message = (error instanceof Error ? error.message : String(error)).replace(/\s*\(\d+:\d+\)$/, "")
    return { path, message, ...placeIn(isRecord(error) ? error["loc"] : undefined) }
  }
}

const isUtf16 = ([first, second]: Uint8Array): boolean =>
  (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)

/** The plugin for one build. `problem` says afterwards what has stopped it. */
export const makeMacroGuard = (loadParser: LoadParser) => {
  let problem: MacroProblem | undefined
  const refuse = (found: MacroProblem) => {
    problem ??= found
    throw new Error(found.message)
  }
  const load = async ({ loader, path }: Bun.OnLoadArgs): Promise<Bun.OnLoadResult> => {
    const file = Bun.file(path)
    const isCode = codeName.test(path)
    // Whatever an import may declare it to be: Bun does not say what that is.
    const unread = { contents: "", loader: "text" } as const
    if (!isCode && file.size > maxDataBytes) return unread
    const bytes = await file.bytes().catch(() => undefined)
    // Bun may find another file by that name, such as one with a query.
    if (bytes === undefined) return refuse({ path, message: `cannot read ${path}` })
    if (isUtf16(bytes))
      return refuse({ path, message: `cannot read ${path}: it is in UTF-16; save it as UTF-8` })
    const found = await findMacroProblem(new TextDecoder().decode(bytes), path, loadParser)
    if (found === undefined) return undefined
    if (isCode) return refuse(found)
    // It may be prose. So it is what its name says, and no code.
    return /^[jt]sx?$/.test(loader) ? unread : { contents: bytes, loader }
  }
  const plugin: Bun.BunPlugin = {
    name: "mill-macro-guard",
    setup: (build) => void build.onLoad({ filter: /./ }, load),
  }
  return { plugin, findProblem: () => problem }
}
