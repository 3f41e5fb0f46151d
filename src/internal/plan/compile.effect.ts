/** Compiles a submission to a plan: everything that a run depends on is read once and hashed. */
import { Effect, FileSystem, Path } from "effect"
import { ProgramError } from "../../domain/error.schema.ts"
import type { DraftPlan, PlanSource } from "../../domain/plan.schema.ts"
import type { LoadedConfig } from "../config/config.effect.ts"
import { Settings } from "../config/settings.effect.ts"
import type { ChosenDriver } from "../drivers/driver-registry.effect.ts"
import type { ChosenExecutor } from "../executors/executor-registry.effect.ts"
import { describeReason } from "../files/files.effect.ts"
import { hashPlan, makePlanContent } from "./content.effect.ts"
import { sha256 } from "../sources/digest.effect.ts"
import { type GraphFile, SourceCompiler } from "../sources/source-compiler.effect.ts"

/** The absolute path of a program. Fails unless it is a readable TypeScript or JavaScript file. */
export const findProgram = Effect.fnUntraced(function* (given: string) {
  const fs = yield* FileSystem.FileSystem
  const path = (yield* Path.Path).resolve((yield* Settings).cwd, given)
  const refuse = (message: string, hint?: string) =>
    new ProgramError({ path, message: `${given}: ${message}`, hint })
  const info = yield* Effect.mapError(fs.stat(path), (error) => refuse(describeReason(error)))
  if (info.type === "Directory") return yield* refuse("it is a directory", "pass the path of a file in it")
  if (info.type !== "File") return yield* refuse("not a regular file")
  if (!/\.[cm]?[jt]sx?$/.test(path)) return yield* refuse("not a TypeScript or JavaScript file")
  // Stack traces and the bundler use the real path.
  const real = yield* Effect.mapError(fs.realPath(path), (error) => refuse(describeReason(error)))
  if (real.includes("?"))
    return yield* refuse(
      'the path contains "?", which Bun treats as the start of a query string',
      "rename the directory or the file",
    )
  return real
})

/** Makes the plan for the program at `programPath` (absolute), with the program's own text and the contents that the plan names. */
export const compilePlan = Effect.fn("Plan.compile")(function* (
  programPath: string,
  loaded: LoadedConfig,
  driver: ChosenDriver,
  executor: ChosenExecutor,
) {
  const compiler = yield* SourceCompiler
  const contents = new Map<string, string>()

  const keep = Effect.fnUntraced(function* (text: string) {
    const digest = yield* sha256(text)
    contents.set(digest, text)
    return digest
  })
  const freeze = Effect.fnUntraced(function* ({ contents: text, wrapped, ...file }: GraphFile) {
    const source: PlanSource = { ...file, sha256: yield* keep(text) }
    if (wrapped === undefined) return source
    return { ...source, loadAs: yield* keep(wrapped.contents), columnShift: wrapped.columnShift }
  })

  const graph = yield* compiler.graph(programPath, { provided: [], asProgram: true })
  const content = yield* makePlanContent({
    programPath,
    program: yield* Effect.forEach(graph, freeze),
    configSources: yield* Effect.forEach(loaded.sources, freeze),
    config: loaded.config,
    driver,
    executor,
  })
  const plan: DraftPlan = { planId: yield* hashPlan(content), ...content }
  return { plan, program: graph[0]?.contents ?? "", contents }
})
