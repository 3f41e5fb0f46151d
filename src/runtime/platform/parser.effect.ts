/** Parses programs with Babel. */
import { Effect } from "effect"
import { ProgramError } from "../../domain/error.schema.ts"
import type { TopLevelStatement } from "../../internal/sources/top-level-return.ts"
import { importParser } from "./module-loader.effect.ts"

export const parseProgram = Effect.fnUntraced(function* (text: string, path: string) {
  const { parse } = yield* Effect.promise(importParser)
  return yield* Effect.try({
    try: () =>
      parse(text, {
        sourceType: "module",
        allowReturnOutsideFunction: true,
        plugins: path.endsWith("x") ? ["typescript", "jsx"] : ["typescript"],
      }),
    catch: (error) => parseError(path, error),
  })
})

/** The parser puts the location behind its message, with columns counted from 0. */
const parseError = (path: string, error: unknown): ProgramError => {
  const text = error instanceof Error ? error.message : String(error)
  const [, message = text, line, column] = /^(.*?)\s*\((\d+):(\d+)\)$/s.exec(text) ?? []
  const location = line === undefined ? undefined : `${path}:${line}:${Number(column) + 1}`
  return new ProgramError({ path, message, location })
}

/** The statements of a program that cannot be inside a function, in order. */
export const findTopLevelStatements = Effect.fnUntraced(function* (text: string, path: string) {
  const file = yield* parseProgram(text, path)
  const statements: Array<TopLevelStatement> = []
  for (const node of file.program.body) {
    const { end, start } = node
    if (typeof start !== "number" || typeof end !== "number") continue
    switch (node.type) {
      case "ImportDeclaration":
      case "ExportAllDeclaration":
      case "TSModuleDeclaration":
        statements.push({ kind: "outside", start, end })
        break
      case "ExportNamedDeclaration": {
        const declaration = node.declaration?.start
        if (typeof declaration === "number") statements.push({ kind: "exported", start, declaration })
        else statements.push({ kind: node.source ? "outside" : "export-list", start, end })
        break
      }
      case "ExportDefaultDeclaration":
        return yield* new ProgramError({
          path,
          location: `${path}:${node.loc?.start.line ?? 1}:${(node.loc?.start.column ?? 0) + 1}`,
          message: "a program returns its result with a default export or a top-level return, not both",
        })
    }
  }
  return statements
})
