/** Parses code with Babel, for what Bun's bundler cannot report. */

/** Why Bun must not read a file. */
export type SourceProblem = {
  readonly path: string
  readonly message: string
  readonly line?: number | undefined
  readonly column?: number | undefined
}

type ParserOptions = {
  readonly sourceType: "module" | "script"
  readonly allowReturnOutsideFunction: boolean
  plugins: Array<"typescript" | "jsx" | "decorators-legacy">
}

export type LoadParser = () => Promise<{
  readonly parse: (text: string, options: ParserOptions) => { readonly program: { readonly body: unknown } }
}>

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null

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

/** The statements of a text, or why it cannot be parsed. */
export const parseCode = async (
  text: string,
  path: string,
  loadParser: LoadParser,
): Promise<{ readonly statements: unknown } | SourceProblem> => {
  const parser = await loadParser()
  try {
    const { program } = parser.parse(text, {
      // CommonJS may be sloppy.
      sourceType: path.endsWith(".cjs") ? "script" : "module",
      allowReturnOutsideFunction: true,
      plugins: [...choosePlugins(path)],
    })
    return { statements: program.body }
  } catch (error) {
    const message = (error instanceof Error ? error.message : String(error)).replace(/\s*\(\d+:\d+\)$/, "")
    return { path, message, ...readLocation(isRecord(error) ? error["loc"] : undefined) }
  }
}

/** Where a node of the syntax tree starts, counted from 1. */
export const locateNode = ({ loc }: Readonly<Record<string, unknown>>) =>
  readLocation(isRecord(loc) ? loc["start"] : undefined)
