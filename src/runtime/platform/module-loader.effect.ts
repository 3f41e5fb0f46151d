/** Loads code on use: the user's configuration, and tools that few runs need. The only file that imports dynamically. */
import { Effect, Result } from "effect"
import { ConfigError, ProgramError } from "../../domain/error.schema.ts"
import { evaluateModule } from "../bun/user-code.ts"
import type { TopLevelStatement } from "../../internal/sources/top-level-return.ts"

/** The parser, for those who cannot wait in an effect. */
export const importParser = () => import("@babel/parser")

const loadParser = Effect.promise(importParser)

/** The SDK of the Agent Client Protocol, which only a run with such a driver needs. */
export const loadAcpSdk = Effect.promise(() => import("@agentclientprotocol/sdk"))

/** A program's syntax tree. */
export const parseProgram = Effect.fnUntraced(function* (text: string, path: string) {
  const { parse } = yield* loadParser
  return yield* Effect.try({
    try: () =>
      parse(text, {
        sourceType: "module",
        allowReturnOutsideFunction: true,
        plugins: path.endsWith("x") ? ["typescript", "jsx"] : ["typescript"],
      }),
    catch: (error) => unreadable(path, error),
  })
})

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null

/** A node that reads `import.meta.main`, by the shape of Babel's AST. */
const readsMain = ({ computed, object, property, type }: Readonly<Record<string, unknown>>): boolean =>
  type === "MemberExpression" &&
  computed === false &&
  isRecord(object) &&
  object["type"] === "MetaProperty" &&
  isRecord(property) &&
  property["name"] === "main"

/**
 * A program asks whether it is the main module; where it runs, the host is. The text with each `import.meta.main` as a
 * true expression of the same length, so that columns stay.
 */
export const asMainModule = Effect.fnUntraced(function* (text: string, path: string) {
  if (!text.includes("main") || !text.includes("import.meta")) return text
  const file = yield* parseProgram(text, path)
  let changed = text
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) return node.forEach(visit)
    if (!isRecord(node)) return
    const { end, start } = node
    if (readsMain(node) && typeof start === "number" && typeof end === "number") {
      const replacement = "(import.meta,!0)".padEnd(end - start)
      if (replacement.length === end - start)
        changed = changed.slice(0, start) + replacement + changed.slice(end)
      return
    }
    for (const [key, child] of Object.entries(node)) if (key !== "loc" && isRecord(child)) visit(child)
  }
  visit(file.program.body)
  return changed
})

/** The statements of a program that cannot stay inside a function, in order. */
export const topLevelStatements = Effect.fnUntraced(function* (text: string, path: string) {
  const file = yield* parseProgram(text, path)
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

/** One line, whatever the configuration throws. */
const thrownMessage = (error: unknown): string =>
  Result.getOrElse(
    Result.try(() => (error instanceof Error ? error.message : String(error)).replace(/\s*\n\s*/g, " ")),
    () => "it throws what cannot be shown",
  )

/** Evaluates a module of the user's. */
export const importModule = (path: string): Effect.Effect<unknown, ConfigError> =>
  Effect.tryPromise({
    try: (signal) => evaluateModule(path, signal),
    catch: (error) => new ConfigError({ path, message: `${path}: ${thrownMessage(error)}` }),
  })
