/** Reads a module graph with Bun's bundler, without running macros, and turns what Bun refuses into errors with a location. */
import { Effect } from "effect"
import { ProgramError } from "../../domain/error.schema.ts"
import type { SourceProblem } from "../bun/parse-code.ts"
import { makeSourceReader } from "../bun/source-reader.ts"
import type { TypedImport } from "../bun/typed-imports.ts"
import { importParser } from "./module-loader.effect.ts"

const bundle = (
  entry: string,
  files: Readonly<Record<string, string>>,
  plugins: Array<Bun.BunPlugin>,
  external: ReadonlyArray<string> = [],
) =>
  Effect.promise(() =>
    Bun.build({
      entrypoints: [entry],
      files,
      plugins,
      target: "bun",
      packages: "external",
      external: [...external],
      metafile: true,
      throw: false,
    }),
  )

/** Whether an import must resolve. What `import()` and `require()` load may be absent. */
export const isStatic = (kind: string): boolean => kind === "import-statement"

export const sourceError = (entry: string, { column, line, message, path }: SourceProblem) =>
  new ProgramError({
    path: entry,
    message,
    location: line === undefined || column === undefined ? undefined : `${path}:${line}:${column}`,
  })

/** An entry in another form than on disk, and the imports that it leaves out. */
export type GivenEntry = { readonly contents: string; readonly typed: ReadonlyArray<TypedImport> }

/**
 * Builds the graph of `entry`, without the imports that have a type: `typed` lists them by file. Bun also refuses dynamic
 * imports that do not resolve, so a second build leaves those out. A configuration may have macros: it is evaluated anyway.
 */
export const buildGraph = Effect.fnUntraced(function* (
  entry: string,
  given: GivenEntry | undefined,
  asProgram: boolean,
) {
  const files = given === undefined ? {} : { [entry]: given.contents }
  const listed = new Map(given === undefined ? [] : [[entry, given.typed] as const])
  const reader = makeSourceReader(importParser, listed, !asProgram)
  const plugins = [reader.plugin]
  const built = yield* bundle(entry, files, plugins)
  const problem = reader.findProblem()
  if (problem !== undefined) return yield* sourceError(entry, problem)
  const absent = built.logs.flatMap((log) =>
    "importKind" in log && !isStatic(log.importKind) ? [log.specifier] : [],
  )
  const { typed } = reader
  return absent.length === 0
    ? { built, typed }
    : { built: yield* bundle(entry, files, plugins, absent), typed }
})

/** Where a specifier first occurs in a text: line and column, counted from 1. */
export const locateSpecifier = (contents: string, specifier: string): string => {
  const index = Math.max(contents.indexOf(`"${specifier}"`), contents.indexOf(`'${specifier}'`))
  const before = contents.slice(0, Math.max(0, index)).split("\n")
  return `${before.length}:${(before.at(-1)?.length ?? 0) + 1}`
}

const formatLocation = (path: string, position: Position | null | undefined) =>
  position === null || position === undefined || position.line < 1
    ? undefined
    : `${position.file || path}:${position.line}:${position.column}`

/** The error of a build that failed. `original` is the text of a program that was built in another form, with its imports moved. */
export const buildError = (
  path: string,
  log: BuildMessage | ResolveMessage | undefined,
  original: string | undefined,
) => {
  const message = log?.message ?? "the program cannot be read"
  const isImport = log !== undefined && "specifier" in log && log.position?.file === path
  const location =
    original !== undefined && isImport
      ? `${path}:${locateSpecifier(original, log.specifier)}`
      : formatLocation(path, log?.position)
  return new ProgramError({ path, message, location })
}
