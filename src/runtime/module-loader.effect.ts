/** Loads code on use: the user's configuration, and tools that few runs need. The only file that imports dynamically. */
import { Effect } from "effect"
import { ConfigError, ProgramError } from "../domain/error.schema.ts"
import type { TopLevelStatement } from "../internal/plan/top-level-return.effect.ts"

const loadParser = Effect.promise(() => import("@babel/parser"))

/** The statements of a program that cannot stay inside a function, in order. */
export const topLevelStatements = Effect.fnUntraced(function* (text: string, path: string) {
  const { parse } = yield* loadParser
  const file = yield* Effect.try({
    try: () =>
      parse(text, {
        sourceType: "module",
        allowReturnOutsideFunction: true,
        plugins: path.endsWith("x") ? ["typescript", "jsx"] : ["typescript"],
      }),
    catch: (error) => unreadable(path, error),
  })
  const statements: Array<TopLevelStatement> = []
  for (const node of file.program.body) {
    const { end, start } = node
    if (typeof start !== "number" || typeof end !== "number") continue
    switch (node.type) {
      case "ImportDeclaration":
      case "ExportAllDeclaration":
        statements.push({ kind: "outside", start, end })
        break
      case "TSModuleDeclaration":
        statements.push({ kind: "outside", start, end })
        break
      case "ExportNamedDeclaration": {
        const declaration = node.declaration?.start
        if (typeof declaration === "number") statements.push({ kind: "exported", start, declaration })
        else
          statements.push({
            kind: node.source === null || node.source === undefined ? "export-list" : "outside",
            start,
            end,
          })
        break
      }
      case "ExportDefaultDeclaration":
        return yield* new ProgramError({
          path,
          location: `${path}:${node.loc?.start.line ?? 1}:${(node.loc?.start.column ?? 0) + 1}`,
          message: "a program gives its result by a default export or by a top-level return, not by both",
        })
    }
  }
  return statements
})

/** The parser puts the place behind its message, with columns counted from 0. */
const unreadable = (path: string, error: unknown): ProgramError => {
  const text = error instanceof Error ? error.message : String(error)
  const [, message = text, line, column] = /^(.*?)\s*\((\d+):(\d+)\)$/s.exec(text) ?? []
  return line === undefined
    ? new ProgramError({ path, message })
    : new ProgramError({ path, message, location: `${path}:${line}:${Number(column) + 1}` })
}

/** Evaluates a module of the user's. */
export const importModule = (path: string): Effect.Effect<unknown, ConfigError> =>
  Effect.tryPromise({
    try: () => import(path),
    catch: (error) =>
      new ConfigError({
        path,
        // One line, whatever the configuration throws.
        message: `${path}: ${(error instanceof Error ? error.message : String(error)).replace(/\s*\n\s*/g, " ")}`,
      }),
  })
