/** The `SourceCompiler` on Bun's bundler and transpiler. */
import { Effect, FileSystem, Layer, Path } from "effect"
import { ProgramError } from "../../domain/error.schema.ts"
import { describeReason } from "../../internal/files/files.effect.ts"
import { type GraphFile, SourceCompiler } from "../../internal/sources/source-compiler.effect.ts"
import { wrapTopLevelReturn } from "../../internal/sources/top-level-return.ts"
import { findMissingPackages } from "../bun/find-packages.ts"
import { findMacroProblem } from "../bun/macro-guard.ts"
import { isLocal, takeTypedImports } from "../bun/typed-imports.ts"
import { buildError, buildGraph, isStatic, locateSpecifier, sourceError } from "./bundle.effect.ts"
import { findDataType } from "../host/frozen-data.ts"
import { addTypedImports, findUnfreezable } from "./typed-imports.effect.ts"
import { importParser } from "./module-loader.effect.ts"
import { findTopLevelStatements, parseProgram } from "./parser.effect.ts"

/** The message by which Bun refuses a top-level return in a module. */
const returnMessage = /top-level return/i

const returnsAtTopLevel = (contents: string, path: string) =>
  Effect.try({
    // An export makes it a module, in which Bun refuses the return; without it Bun may take it for CommonJS.
    try: () =>
      new Bun.Transpiler({ loader: path.endsWith("x") ? "tsx" : "ts" }).scan(`${contents}\nexport {};`),
    // Several returns come as one error that holds the others.
    catch: (error) => (error instanceof AggregateError ? error.errors.map(String).join() : String(error)),
  }).pipe(
    Effect.as(false),
    Effect.catch((message) => Effect.succeed(returnMessage.test(message))),
  )

/** How a program is loaded when not as on disk. */
const wrapProgram = Effect.fnUntraced(function* (text: string, path: string) {
  return (yield* returnsAtTopLevel(text, path))
    ? wrapTopLevelReturn(text, yield* findTopLevelStatements(text, path))
    : undefined
})

/** What is left of a UTF-16 byte-order mark in a file that was read as UTF-8. Bun would run such a file, as another text. */
const utf16Mark = /^\uFFFD\uFFFD/

const codeName = /\.[cm]?[jt]sx?$/

const makeCompiler = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  // Bun names inputs relative to its working directory.
  const { dirname, resolve } = yield* Path.Path

  const readSource = Effect.fnUntraced(function* (path: string, entry: string) {
    const refuse = (reason: string) =>
      new ProgramError({ path: entry, message: `cannot read ${path}: ${reason}` })
    const text = yield* Effect.mapError(fs.readFileString(path), (error) => refuse(describeReason(error)))
    return utf16Mark.test(text) ? yield* refuse("the file is encoded as UTF-16; save it as UTF-8") : text
  })

  /** The file that a path in an import of the file at `path` leads to. */
  const find = (specifier: string, path: string) =>
    Effect.option(Effect.try(() => Bun.resolveSync(specifier, dirname(path))))

  /** The imports of a file of the graph of `entry`: local files by their specifiers, and packages. */
  const readImports = Effect.fnUntraced(function* (
    entry: string,
    path: string,
    contents: string,
    found: Bun.BuildMetafile["inputs"][string]["imports"],
    provided: ReadonlyArray<string>,
  ) {
    const imports: Record<string, string> = {}
    const packages = new Set<string>()
    const required: Array<string> = []
    const importTypes: Record<string, string> = {}
    const locate = (specifier: string) => `${path}:${locateSpecifier(contents, specifier)}`
    for (const { external, kind, original, path: target, with: attributes } of found) {
      const specifier = original ?? target
      if (external !== true) {
        const type = attributes?.["type"]
        const problem = findUnfreezable(specifier, resolve(target), type)
        if (problem !== undefined) {
          return yield* new ProgramError({ path: entry, location: locate(specifier), message: problem })
        }
        imports[specifier] = resolve(target)
        if (type === undefined || type === findDataType(target)) continue
        if (isLocal(specifier)) importTypes[specifier] = type
        continue
      }
      packages.add(specifier)
      const isProvided = provided.some((name) => specifier === name || specifier.startsWith(`${name}/`))
      if (isStatic(kind) && !isProvided) required.push(specifier)
    }
    const missing = yield* Effect.promise(() => findMissingPackages(required, dirname(path)))
    const first = required.find((specifier) => missing.has(specifier))
    if (first !== undefined) {
      return yield* new ProgramError({
        path: entry,
        location: locate(first),
        message: `cannot find ${JSON.stringify(first)}`,
      })
    }
    return { imports, importTypes, packages: [...packages].sort() }
  })

  const graph: SourceCompiler["Service"]["graph"] = Effect.fn("SourceCompiler.graph")(function* (
    entry,
    { asProgram, provided },
  ) {
    const original = yield* readSource(entry, entry)
    // Before Bun sees the text at all: even a scan runs macros.
    const problem = asProgram
      ? yield* Effect.promise(() => findMacroProblem(original, entry, importParser))
      : undefined
    if (problem !== undefined) return yield* sourceError(entry, problem)
    const wrapped = asProgram ? yield* wrapProgram(original, entry) : undefined
    const taken = yield* Effect.promise(() => takeTypedImports(original, entry, importParser))
    if (taken.problem !== undefined) return yield* sourceError(entry, taken.problem)
    const { contents: text, imports: typedImports } =
      wrapped === undefined
        ? taken
        : yield* Effect.promise(() => takeTypedImports(wrapped.contents, entry, importParser))
    const given = text === original ? undefined : { contents: text, typed: typedImports }
    const { built, typed } = yield* buildGraph(entry, given, asProgram)
    if (!built.success)
      return yield* buildError(entry, built.logs[0], wrapped === undefined ? undefined : original)
    const files: Array<GraphFile> = []
    const inputs = Object.entries(built.metafile?.inputs ?? {})
    // Bun resolves aliases without asking a plugin, so their type is that of the file.
    const texts = new Set(
      inputs
        .flatMap(([, { imports }]) => imports)
        .filter(
          ({ original = ".", with: attributes }) => !isLocal(original) && attributes?.["type"] === "text",
        )
        .map(({ path }) => resolve(path)),
    )
    for (const [name, { format, imports: found }] of inputs) {
      const path = resolve(name)
      // Other files may be anything, of any size: they are not read.
      // Bun names no format for empty code.
      const isRead = codeName.test(path) || findDataType(path) !== undefined || texts.has(path)
      if (format !== "esm" && format !== "cjs" && !isRead) continue
      const contents = path === entry ? original : yield* readSource(path, entry)
      files.push({
        path,
        contents,
        ...(yield* readImports(entry, path, contents, found, provided)),
        format: format === "cjs" ? "commonjs" : undefined,
        asText: texts.has(path) ? true : undefined,
        wrapped: path === entry ? wrapped : undefined,
      })
    }
    yield* addTypedImports(entry, files, typed, (path) => readSource(path, entry), find)
    return files.sort((a, b) => Number(b.path === entry) - Number(a.path === entry))
  })

  const isTypeScript: SourceCompiler["Service"]["isTypeScript"] = (text) =>
    Effect.isSuccess(Effect.try(() => new Bun.Transpiler({ loader: "ts" }).transformSync(text)))

  const syntaxTree: SourceCompiler["Service"]["syntaxTree"] = (text, path) =>
    Effect.map(parseProgram(text, path), ({ program }) => program.body)

  return SourceCompiler.of({ graph, isTypeScript, syntaxTree })
})

export const layer = Layer.effect(SourceCompiler, makeCompiler)
