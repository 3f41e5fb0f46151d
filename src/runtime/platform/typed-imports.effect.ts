/** Adds the files that a module graph imports with a type, which Bun's bundler does not see, and refuses imports that cannot be frozen. */
import { Effect, type Option } from "effect"
import { ProgramError } from "../../domain/error.schema.ts"
import type { GraphFile } from "../../internal/sources/source-compiler.effect.ts"
import { isLocal, type TypedImport } from "../bun/typed-imports.ts"
import { dataTypes, findDataType, isDataType } from "../host/frozen-data.ts"
import { locateSpecifier } from "./bundle.effect.ts"

const code = /\.[cm]?[jt]sx?$/

/** Why an import of a local file cannot be frozen. */
export const findUnfreezable = (
  specifier: string,
  target: string,
  type: string | undefined,
): string | undefined => {
  if (target.endsWith(".node"))
    return "mill cannot freeze a native module; import it from an installed package"
  if (target.endsWith(".sqlite") || type === "sqlite")
    return "mill cannot freeze a database; open it with bun:sqlite"
  if (type === undefined || type === findDataType(target) || isLocal(specifier)) return undefined
  if (type === "text" && !code.test(target)) return undefined
  return `mill cannot freeze an import of ${JSON.stringify(specifier)} with a type attribute; import the file by its relative path`
}

const omitEmpty = (record: Readonly<Record<string, string>>) =>
  Object.keys(record).length === 0 ? undefined : record

/** Adds to `files` the imports in `typed`, by the path of the importing file, and the files that only they import. */
export const addTypedImports = Effect.fnUntraced(function* (
  entry: string,
  files: Array<GraphFile>,
  typed: ReadonlyMap<string, ReadonlyArray<TypedImport>>,
  read: (path: string) => Effect.Effect<string, ProgramError>,
  find: (specifier: string, path: string) => Effect.Effect<Option.Option<string>>,
) {
  const known = new Set(files.map(({ path }) => path))
  /** The types of the imports of files that nothing else imports, by path. */
  const added = new Map<string, Set<string>>()
  for (const [index, file] of files.entries()) {
    const { contents, path } = file
    const imports = { ...file.imports }
    const importTypes = { ...file.importTypes }
    for (const { isStatic, specifier, type } of typed.get(path) ?? []) {
      const refuse = (message: string) =>
        new ProgramError({
          path: entry,
          location: `${path}:${locateSpecifier(contents, specifier)}`,
          message,
        })
      if (type !== "file" && !isDataType(type)) {
        return yield* refuse(
          `mill cannot freeze an import with the type ${JSON.stringify(type)}; use one of ${dataTypes.join(", ")}`,
        )
      }
      const found = yield* find(specifier, path)
      if (found._tag === "None") {
        if (isStatic) return yield* refuse(`cannot find ${JSON.stringify(specifier)}`)
        continue
      }
      const isTaken = imports[specifier] !== undefined && importTypes[specifier] !== type
      if (isTaken) {
        return yield* refuse(
          `the file imports ${JSON.stringify(specifier)} with two different types; write one of the paths as ${JSON.stringify(`./${specifier}`)}`,
        )
      }
      imports[specifier] = found.value
      importTypes[specifier] = type
      if (type === "file" || known.has(found.value)) continue
      added.set(found.value, new Set([...(added.get(found.value) ?? []), type]))
    }
    files[index] = { ...file, imports, importTypes: omitEmpty(importTypes) }
  }
  for (const [path, types] of added) {
    const asText = types.size === 1 && types.has("text") ? true : undefined
    files.push({ path, contents: yield* read(path), imports: {}, packages: [], asText })
  }
})
