/**
 * Keeps Bun from running macros. A macro is a function of the program that Bun calls while it bundles or scans a file that
 * imports it: at submit, outside of any sandbox. A build with the guard as a plugin reads no file that imports a macro. The
 * guard parses suspicious files with Babel, and refuses those that Babel cannot parse.
 */

/** Why Bun must not read a file. */
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

export type LoadParser = () => Promise<{
  readonly parse: (text: string, options: ParserOptions) => { readonly program: { readonly body: unknown } }
}>

/** Texts that may spell `macro`: other spellings need a backslash before one of its letters, or an escape. */
const suspect = /macro|\\[macroux\d\r\n\u2028\u2029]/

const codeName = /\.[cm]?[jt]sx?$/

/** The longest file that is read although its name is not that of code. */
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

/** The older `assert` of an import: the parser does not know it, and may take it for a statement. */
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

const readLocation = (position: unknown) =>
  isRecord(position) && typeof position["line"] === "number" && typeof position["column"] === "number"
    ? { line: position["line"], column: position["column"] + 1 }
    : {}

/** The parser's plugins for a file, so that it reads the language that Bun reads: `.jsx` is JavaScript, not TypeScript. */
const choosePlugins = (path: string) => {
  const language = /[cm]?ts$/.test(path)
    ? (["typescript"] as const)
    : path.endsWith(".tsx")
      ? (["typescript", "jsx"] as const)
      : (["jsx"] as const)
  return [...language, "decorators-legacy"] as const
}

/** Finds an import of a macro in a text, or an error that keeps it from being parsed. */
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
      plugins: [...choosePlugins(path)],
    })
    const found = findMacro(program.body)
    if (found === undefined) return undefined
    const { loc } = found
    const message =
      "the file imports a macro, which Bun would run before the program starts; import it as a regular function"
    return { path, message, ...readLocation(isRecord(loc) ? loc["start"] : undefined) }
  } catch (error) {
    const message = (error instanceof Error ? error.message : String(error)).replace(/\s*\(\d+:\d+\)$/, "")
    return { path, message, ...readLocation(isRecord(error) ? error["loc"] : undefined) }
  }
}

const isUtf16 = ([first, second]: Uint8Array): boolean =>
  (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)

/** Makes the plugin for one build; after the build `findProblem` returns what stopped it. */
export const makeMacroGuard = (loadParser: LoadParser) => {
  let problem: MacroProblem | undefined
  const refuse = (found: MacroProblem) => {
    problem ??= found
    throw new Error(found.message)
  }
  const load = async ({ loader, path }: Bun.OnLoadArgs): Promise<Bun.OnLoadResult> => {
    const file = Bun.file(path)
    const isCode = codeName.test(path)
    // Bun does not say which loader the import asks for.
    const unread = { contents: "", loader: "text" } as const
    if (!isCode && file.size > maxDataBytes) return unread
    const bytes = await file.bytes().catch(() => undefined)
    // Bun may resolve the name to another file, such as one with a query.
    if (bytes === undefined) return refuse({ path, message: `cannot read ${path}` })
    if (isUtf16(bytes))
      return refuse({ path, message: `cannot read ${path}: the file is encoded as UTF-16; save it as UTF-8` })
    const found = await findMacroProblem(new TextDecoder().decode(bytes), path, loadParser)
    if (found === undefined) return undefined
    if (isCode) return refuse(found)
    // The file may be prose, so it is loaded as its name says, and never as code.
    return /^[jt]sx?$/.test(loader) ? unread : { contents: bytes, loader }
  }
  const plugin: Bun.BunPlugin = {
    name: "mill-macro-guard",
    setup: (build) => void build.onLoad({ filter: /./ }, load),
  }
  return { plugin, findProblem: () => problem }
}
