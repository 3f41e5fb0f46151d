/**
 * Checks the structure of src: where files are, what their suffixes promise, which folder may import which, how large
 * a file is, and that a name has one meaning. The tables below are the rules; docs and reviews refer to them.
 *
 * Every import counts: static, type-only, dynamic, and `import("…")` in a type. A dynamic import whose path is not a
 * string literal is not seen here; the ast-grep rules no-dynamic-import* restrict those.
 *
 * Usage: bun scripts/check-structure.ts [root]
 */
import { readdirSync, readFileSync } from "node:fs"
import { dirname, join, resolve } from "node:path"

import { parse } from "@babel/parser"

const maxBytes = 10_000

/** Where a file of src may be. */
const places = [
  "src/bin/*.ts",
  "src/cli/*.ts",
  "src/public/{*.api,*.d,types}.ts",
  "src/public/*.txt",
  "src/runtime/{*.effect,program-host*}.ts",
  "src/runtime/*/*.ts",
  "src/internal/*/*.ts",
  "src/codecs/*.codec.ts",
  "src/domain/*.ts",
]

type Floor = {
  /** The files of the floor. A file belongs to the first floor that matches. */
  readonly of: string
  /** The files of mill that it may import. */
  readonly from: ReadonlyArray<string>
  /** The files that it may also import types of. */
  readonly types?: ReadonlyArray<string>
  /** The files that it may also load on demand. */
  readonly loads?: ReadonlyArray<string>
  /** The packages that it may import; without this, all of them. */
  readonly packages?: ReadonlyArray<string>
}

const host = "src/runtime/{program-host*.ts,host/*}"
const bun = "src/runtime/bun/*"
const domain = "src/domain/*"
/** Modules of the domain that import nothing. */
const pureDomain = ["src/domain/json-problem.ts", "src/domain/run-marks.ts", "src/domain/run-time.ts"]
const codecs = "src/codecs/*"
const internal = "src/internal/**"
const runtime = "src/runtime/**"
const publicApi = "src/public/*"
const cli = "src/cli/*"
const manifest = "package.json"
const noEffect = ["node:*", "bun", "bun:*", "@babel/parser"]

/** Which files import which. A floor imports from the floors above it in this list. */
const floors: ReadonlyArray<Floor> = [
  // Part of the user's process, which must start as fast as an empty one: no effect, no engine.
  { of: host, from: [host, bun, ...pureDomain], types: [domain], packages: noEffect },
  // Plain TypeScript on Bun and promises, shared with the program host.
  { of: bun, from: [bun, ...pureDomain], types: [host, domain], packages: noEffect },
  { of: domain, from: [domain] },
  { of: codecs, from: [codecs, domain] },
  { of: internal, from: [internal, codecs, domain] },
  { of: runtime, from: [runtime, internal, codecs, domain, manifest] },
  { of: publicApi, from: [publicApi, runtime, codecs, domain] },
  { of: cli, from: [cli, publicApi, domain, manifest], loads: [runtime] },
  { of: "src/bin/*", from: ["src/**", manifest] },
]

/** Folders whose subfolders must not import each other in both directions. */
const oneWay = ["src/internal", "src/runtime"]

/** What a suffix says about the content of a file. */
const suffixes: ReadonlyArray<{ of: RegExp; holds: (file: SourceFile) => boolean; problem: string }> = [
  {
    of: /\.effect\.ts$/,
    holds: ({ imports }) => imports.some(({ name }) => /^effect(\/|$)/.test(name)),
    problem: "imports nothing from effect; remove the suffix .effect",
  },
  {
    of: /\.schema\.ts$/,
    holds: ({ text }) => /\bSchema\.\w/.test(text),
    problem: "declares no Schema; remove the suffix .schema",
  },
  {
    of: /\.command\.ts$/,
    holds: ({ text }) => /\bCommand\.make\b/.test(text),
    problem: "defines no command; remove the suffix .command",
  },
  {
    of: /^src\/(domain|internal)\/(\S+\/)?[^.]+\.ts$/,
    holds: ({ imports }) =>
      !imports.some(({ values }) => values.some((name) => /^(Context|Effect|Layer|Sink|Stream)$/.test(name))),
    problem: "uses Effect; add the suffix .effect",
  },
]

/** Names that several modules may declare. */
const sharedNames = new Set([
  // Each module of services has one.
  "layer",
  // src/public documents these types for users; src/domain defines how they are decoded.
  "ExtensionFunction",
  "MillConfig",
])

type Import = {
  /** A path from the root, or the name of a package. */
  readonly name: string
  readonly isPackage: boolean
  readonly kind: "value" | "type" | "load"
  readonly line: number
  /** The names that are imported as values. */
  readonly values: ReadonlyArray<string>
}

type SourceFile = {
  readonly path: string
  readonly text: string
  readonly imports: ReadonlyArray<Import>
  readonly declared: ReadonlyArray<string>
}

/** A node of Babel's tree, by the fields that are read here. */
type Node = { readonly type: string; readonly loc?: { start: { line: number } }; readonly [key: string]: any }

const matches = (globs: string | ReadonlyArray<string>, path: string) =>
  [globs].flat().some((glob) => new Bun.Glob(glob).match(path))

/** The imports and exports of a module that name another module. */
const readImports = (path: string, body: unknown): ReadonlyArray<Import> => {
  const imports: Import[] = []
  const add = (node: Node, specifier: unknown, kind: Import["kind"], values: ReadonlyArray<string> = []) => {
    if (typeof specifier !== "string") return
    const isRelative = specifier.startsWith(".")
    imports.push({
      name: isRelative ? join(dirname(path), specifier) : specifier,
      isPackage: !isRelative && !specifier.startsWith("@mill/"),
      kind,
      line: node.loc?.start.line ?? 1,
      values,
    })
  }
  const visit = (node: Node): void => {
    const isModule = node.type === "ImportDeclaration" || /^Export(Named|All)Declaration$/.test(node.type)
    if (isModule && node["source"]) {
      const specifiers: ReadonlyArray<Node> = node["specifiers"] ?? []
      const values = specifiers.filter((one) => one["importKind"] !== "type" && one["exportKind"] !== "type")
      const isType =
        (node["importKind"] ?? node["exportKind"]) === "type" ||
        (specifiers.length > 0 && values.length === 0)
      const names = isType ? [] : values.map((one) => one["imported"]?.name ?? one["local"]?.name ?? "")
      add(node, node["source"].value, isType ? "type" : "value", names)
    }
    if (node.type === "TSExternalModuleReference") add(node, node["expression"]?.value, "value")
    if (node.type === "ImportExpression") add(node, node["source"].value, "load")
    if (node.type === "TSImportType") add(node, (node["source"] ?? node["argument"])?.value, "type")
    for (const value of Object.values(node).flat()) {
      if (typeof value === "object" && value !== null && typeof value.type === "string") visit(value)
    }
  }
  visit({ type: "File", body })
  return imports
}

/** The names that a module declares and exports; what it passes on from another module is not its own. */
const readDeclared = (body: ReadonlyArray<Node>): ReadonlyArray<string> =>
  body.flatMap((node) => {
    if (node.type !== "ExportNamedDeclaration" || !node["declaration"]) return []
    const { declarations, id }: Node = node["declaration"]
    const ids: ReadonlyArray<Node> = declarations?.map((one: Node) => one["id"]) ?? [id]
    return ids.flatMap((one) =>
      one.type === "ObjectPattern"
        ? one["properties"].map((property: Node) => property["value"].name)
        : [one["name"]],
    )
  })

const readSource = (root: string, path: string): SourceFile => {
  const text = readFileSync(join(root, path), "utf8")
  if (!path.endsWith(".ts")) return { path, text, imports: [], declared: [] }
  const { body } = parse(text, { sourceType: "module", plugins: ["typescript"] }).program
  return {
    path,
    text,
    imports: readImports(path, body),
    declared: readDeclared(body as unknown as ReadonlyArray<Node>),
  }
}

const checkFile = ({ path, text }: SourceFile) => {
  const bytes = Buffer.byteLength(text)
  return [
    ...(matches(places, path)
      ? []
      : [`${path}: source files are not allowed here; see the list of places in scripts/check-structure.ts`]),
    ...(bytes > maxBytes ? [`${path}: ${bytes} bytes exceed the limit of ${maxBytes}; split the file`] : []),
  ]
}

const checkSuffix = (file: SourceFile) =>
  suffixes
    .filter(({ of, holds }) => of.test(file.path) && !holds(file))
    .map(({ problem }) => `${file.path}: ${problem}`)

const checkImports = ({ path, imports }: SourceFile) => {
  const floor = floors.find(({ of }) => matches(of, path))
  if (floor === undefined) return []
  const { of, from, types = [], loads = [], packages } = floor
  const also = { value: [], type: types, load: loads }
  return imports
    .filter(({ name, kind, isPackage }) =>
      isPackage
        ? packages !== undefined && !matches(packages, name)
        : !matches([...from, ...also[kind]], name),
    )
    .map(({ name, kind, line }) => {
      const how = { value: "import", type: "import", load: "load" }[kind]
      return `${path}:${line}: ${of} must not ${how} ${name}`
    })
}

const checkPairs = (files: ReadonlyArray<SourceFile>) =>
  oneWay.flatMap((parent) => {
    const folderOf = (path: string) => new RegExp(`^${parent}/([^/]+)/`).exec(path)?.[1]
    const edges = new Map<string, string>()
    for (const { path, imports } of files) {
      for (const { name, line } of imports) {
        const [from, to] = [folderOf(path), folderOf(name)]
        if (from && to && from !== to) edges.set(`${from} ${to}`, `${path}:${line}`)
      }
    }
    return [...edges].flatMap(([edge, place]) => {
      const [from = "", to = ""] = edge.split(" ")
      const back = from < to ? edges.get(`${to} ${from}`) : undefined
      return back === undefined ? [] : [`${parent}: ${from} and ${to} import each other (${place}, ${back})`]
    })
  })

const checkNames = (files: ReadonlyArray<SourceFile>) => {
  const owners = new Map<string, Set<string>>()
  for (const { path, declared } of files) {
    for (const name of declared) owners.set(name, (owners.get(name) ?? new Set()).add(path))
  }
  return [...owners]
    .filter(([name, paths]) => paths.size > 1 && !sharedNames.has(name))
    .map(([name, paths]) => `${name}: declared in ${[...paths].sort().join(" and ")}`)
}

const root = resolve(process.argv[2] ?? join(import.meta.dirname, ".."))
const files = readdirSync(join(root, "src"), { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
  .sort()
  .map((path) => readSource(root, path))
const problems = [
  ...files.flatMap((file) => [...checkFile(file), ...checkSuffix(file), ...checkImports(file)]),
  ...checkPairs(files),
  ...checkNames(files),
]
if (problems.length === 0) console.log(`${files.length} files are where they belong`)
for (const problem of problems) console.error(problem)
process.exitCode = problems.length === 0 ? 0 : 1
