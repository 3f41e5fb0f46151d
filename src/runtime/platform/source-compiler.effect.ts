/** Bun's own tools, as services: the only file that calls them. */
import { Effect, FileSystem, Layer, Path } from "effect"
import { Digest } from "effect/crypto"
import { ProgramError } from "../../domain/error.schema.ts"
import { type GraphFile, SourceCompiler } from "../../internal/sources/source-compiler.effect.ts"
import { wrapTopLevelReturn } from "../../internal/sources/top-level-return.ts"
import { reasonOf } from "../../internal/files/files.effect.ts"
import { macroGuard, type MacroProblem, macroProblem } from "../bun/macro-guard.ts"
import { asMainModule, importParser, parseProgram, topLevelStatements } from "./module-loader.effect.ts"

/** Files that Bun reads as code or data by their names. Others are read where they lie, unless imported as text. */
const freezable = /\.(?:[cm]?[jt]s|[jt]sx|json|jsonc|txt|toml|ya?ml)$/

const languageOf = (path: string) => (path.endsWith("x") ? "tsx" : "ts")

type Log = BuildMessage | ResolveMessage

const located = (path: string, position: Position | null | undefined) =>
  position === null || position === undefined || position.line < 1
    ? {}
    : { location: `${position.file === "" ? path : position.file}:${position.line}:${position.column}` }

/** `moved` is the text of a program whose imports stand elsewhere in the form that Bun has seen. */
const refusal = (path: string, log: Log | undefined, moved: string | undefined) => {
  const message = log?.message ?? "the program cannot be read"
  const imported = log !== undefined && "specifier" in log && log.position?.file === path
  return moved !== undefined && imported
    ? new ProgramError({ path, message, location: `${path}:${placeOf(moved, log.specifier)}` })
    : new ProgramError({ path, message, ...located(path, log?.position) })
}

/** The message by which Bun refuses a top-level return in a module. */
const returnMessage = /top-level return/i

const returnsAtTopLevel = (contents: string, path: string) =>
  Effect.try({
    // An export makes it a module, in which Bun refuses the return; without it Bun may take it for CommonJS.
    try: () => new Bun.Transpiler({ loader: languageOf(path) }).scan(`${contents}\nexport {};`),
    // Several returns come as one error that holds the others.
    catch: (error) => (error instanceof AggregateError ? error.errors.map(String).join() : String(error)),
  }).pipe(
    Effect.as(false),
    Effect.catch((message) => Effect.succeed(returnMessage.test(message))),
  )

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

/** What is loaded on use, by `import()` or `require()`, may be meant to be absent; what a statement imports may not. */
const isStatic = (kind: string): boolean => kind === "import-statement"

const macroRefusal = (entry: string, { column, line, message, path }: MacroProblem) =>
  new ProgramError({
    path: entry,
    message,
    ...(line === undefined || column === undefined ? {} : { location: `${path}:${line}:${column}` }),
  })

/**
 * Bun refuses also what is loaded on use and not there, unless it is told to leave it out. Nothing of a program runs
 * meanwhile; a configuration is run anyway.
 */
const build = Effect.fnUntraced(function* (
  entry: string,
  files: Readonly<Record<string, string>>,
  asProgram: boolean,
) {
  const guard = macroGuard(importParser)
  const plugins = asProgram ? [guard.plugin] : []
  const built = yield* bundle(entry, files, plugins)
  const problem = guard.problem()
  if (problem !== undefined) return yield* macroRefusal(entry, problem)
  const absent = built.logs.flatMap((log) =>
    "importKind" in log && !isStatic(log.importKind) ? [log.specifier] : [],
  )
  return absent.length === 0 ? built : yield* bundle(entry, files, plugins, absent)
})

/** What is left of a byte-order mark of UTF-16 in what was read as UTF-8. Bun would run such a file, as another text. */
const startsAsUtf16 = /^\uFFFD\uFFFD/

/** Where a specifier first stands in a text: line and column, counted from 1. */
const placeOf = (contents: string, specifier: string): string => {
  const index = Math.max(contents.indexOf(`"${specifier}"`), contents.indexOf(`'${specifier}'`))
  const before = contents.slice(0, Math.max(0, index)).split("\n")
  return `${before.length}:${(before.at(-1)?.length ?? 0) + 1}`
}

/** The form in which a program is loaded, where that is not the one on disk. */
const programForm = Effect.fnUntraced(function* (original: string, path: string) {
  const returns = yield* returnsAtTopLevel(original, path)
  const text = yield* Effect.orElseSucceed(asMainModule(original, path), () => original)
  if (returns) return wrapTopLevelReturn(text, yield* topLevelStatements(text, path))
  return text === original ? undefined : { contents: text, columnShift: 0 }
})

export const layer = Layer.effect(
  SourceCompiler,
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    // Bun names inputs relative to its working directory.
    const { resolve: absolute } = yield* Path.Path
    const readSource = Effect.fnUntraced(function* (path: string, entry: string) {
      const refuse = (reason: string) =>
        new ProgramError({ path: entry, message: `cannot read ${path}: ${reason}` })
      const text = yield* Effect.mapError(fs.readFileString(path), (error) => refuse(reasonOf(error)))
      return startsAsUtf16.test(text) ? yield* refuse("it is in UTF-16; save it as UTF-8") : text
    })

    const resolves = (specifier: string, from: string) =>
      Effect.try({ try: () => Bun.resolveSync(specifier, from), catch: () => undefined }).pipe(
        Effect.isSuccess,
      )

    const graph: SourceCompiler["Service"]["graph"] = Effect.fn("SourceCompiler.graph")(
      function* (entry, options) {
        const original = yield* readSource(entry, entry)
        // Before Bun sees it in any way: a mere scan runs macros.
        const problem = options.asProgram
          ? yield* Effect.promise(() => macroProblem(original, entry, importParser))
          : undefined
        if (problem !== undefined) return yield* macroRefusal(entry, problem)
        const wrapped = options.asProgram ? yield* programForm(original, entry) : undefined
        const given = wrapped === undefined ? {} : { [entry]: wrapped.contents }
        const built = yield* build(entry, given, options.asProgram)
        if (!built.success)
          return yield* refusal(entry, built.logs[0], wrapped === undefined ? undefined : original)
        const inputs = Object.entries(built.metafile?.inputs ?? {})
        const texts = new Set(
          inputs.flatMap(([, { imports }]) =>
            imports.flatMap((found) => (found.with?.["type"] === "text" ? [absolute(found.path)] : [])),
          ),
        )
        const files: Array<GraphFile> = []
        for (const [name, input] of inputs) {
          const path = absolute(name)
          // Not read: it may be anything, of any size.
          if (!freezable.test(path) && !texts.has(path)) continue
          const contents = path === entry ? original : yield* readSource(path, entry)
          const imports: Record<string, string> = {}
          const packages = new Set<string>()
          for (const found of input.imports) {
            const specifier = found.original ?? found.path
            if (found.external !== true) {
              imports[specifier] = absolute(found.path)
              continue
            }
            packages.add(specifier)
            const provided = options.provided.some(
              (name) => specifier === name || specifier.startsWith(`${name}/`),
            )
            const optional = !isStatic(found.kind) || provided
            if (optional || (yield* resolves(specifier, directoryOf(path)))) continue
            const location = `${path}:${placeOf(contents, specifier)}`
            return yield* new ProgramError({
              path: entry,
              location,
              message: `cannot find ${JSON.stringify(specifier)}`,
            })
          }
          const asText = !freezable.test(path)
          files.push({
            path,
            contents,
            imports,
            packages: [...packages].sort(),
            ...(asText ? { asText } : {}),
            ...(path === entry && wrapped !== undefined ? { wrapped } : {}),
          })
        }
        return files.sort((a, b) => Number(b.path === entry) - Number(a.path === entry))
      },
    )

    const which: SourceCompiler["Service"]["which"] = (command, { cwd, path }) =>
      Effect.sync(() => Bun.which(command, { PATH: path, cwd }) ?? undefined)

    const isTypeScript: SourceCompiler["Service"]["isTypeScript"] = (text) =>
      Effect.isSuccess(Effect.try(() => new Bun.Transpiler({ loader: "ts" }).transformSync(text)))

    const syntaxTree: SourceCompiler["Service"]["syntaxTree"] = (text, path) =>
      Effect.map(parseProgram(text, path), ({ program }) => program.body)

    return SourceCompiler.of({ graph, isTypeScript, syntaxTree, which })
  }),
)

const directoryOf = (path: string): string => path.slice(0, path.lastIndexOf("/")) || "/"

const hashNames: Readonly<Record<string, Bun.SupportedCryptoAlgorithms>> = {
  MD5: "md5",
  "SHA-1": "sha1",
  "SHA-256": "sha256",
  "SHA-384": "sha384",
  "SHA-512": "sha512",
}

const hasherOf = (algorithm: Digest.Algorithm, data: Uint8Array) =>
  new Bun.CryptoHasher(hashNames[algorithm.name] ?? "sha256").update(data)

/** Hashes at once, where WebCrypto answers some time later: what is hashed in turn goes on in turn. */
export const digestLayer = Layer.succeed(
  Digest.Digest,
  Digest.Digest.of({
    digest: (algorithm, data) => Effect.sync(() => new Uint8Array(hasherOf(algorithm, data).digest())),
    digestHex: (algorithm, data) => Effect.sync(() => hasherOf(algorithm, data).digest("hex")),
  }),
)
